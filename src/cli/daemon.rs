//! Flags that docker has for its daemon, and that scripts therefore give: taken, and said to do nothing.

use crate::ui::Ui;

/// Docker's global flags. They stand before the command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Taken for docker's sake, without effect")]
pub(super) struct Flags {
    #[arg(short = 'H', long, value_name = "SOCKET", hide = true)]
    host: Vec<String>,
    #[arg(short, long, value_name = "NAME", hide = true)]
    context: Option<String>,
    #[arg(short = 'D', long, hide = true)]
    debug: bool,
    #[arg(short, long, value_name = "LEVEL", hide = true)]
    log_level: Option<String>,
    #[command(flatten)]
    tls: Tls,
    /// Docker has it on several commands.
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_content_trust: Option<bool>,
}

#[derive(Debug, clap::Args)]
struct Tls {
    #[arg(long = "tls", hide = true)]
    on: bool,
    #[arg(long = "tlscacert", value_name = "FILE", hide = true)]
    authority: Option<String>,
    #[arg(long = "tlscert", value_name = "FILE", hide = true)]
    certificate: Option<String>,
    #[arg(long = "tlskey", value_name = "FILE", hide = true)]
    key: Option<String>,
    #[arg(long = "tlsverify", hide = true)]
    verify: bool,
}

impl Flags {
    /// Says once which of them were given in vain.
    pub(super) fn note(&self, ui: &Ui) {
        let given = [
            ("--host", !self.host.is_empty()),
            ("--context", self.context.is_some()),
            ("--debug", self.debug),
            ("--log-level", self.log_level.is_some()),
            ("--tls", self.tls.on),
            ("--tlscacert", self.tls.authority.is_some()),
            ("--tlscert", self.tls.certificate.is_some()),
            ("--tlskey", self.tls.key.is_some()),
            ("--tlsverify", self.tls.verify),
            ("--disable-content-trust", self.disable_content_trust.is_some()),
        ];
        say_in_vain(ui, &given.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect::<Vec<_>>());
    }
}

/// Says that flags do nothing.
pub(super) fn say_in_vain(ui: &Ui, flags: &[&str]) {
    match flags {
        [] => {}
        [flag] => ui.note(&format!("{flag} is ignored: imgtool uses no daemon")),
        _ => ui.note(&format!("{} are ignored: imgtool uses no daemon", flags.join(", "))),
    }
}
