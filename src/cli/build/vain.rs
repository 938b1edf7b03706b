//! Flags that docker has for its builders, and that scripts therefore give: taken, and said to do nothing.

use crate::ui::Ui;

macro_rules! vain {
    ($($(#[$attribute:meta])* $name:ident: $kind:ty = $flag:literal,)*) => {
        /// Flags without an effect.
        #[derive(Debug, clap::Args)]
        #[command(next_help_heading = "Taken for docker's sake, without effect")]
        pub(super) struct Flags {
            $($(#[$attribute])* $name: $kind,)*
        }

        impl Flags {
            /// Says once which of them were given in vain.
            pub(super) fn note(&self, ui: &Ui) {
                let given: Vec<&str> = [$((self.$name.is_given(), $flag),)*]
                    .into_iter()
                    .filter(|(is_given, _)| *is_given)
                    .map(|(_, flag)| flag)
                    .collect();
                if !given.is_empty() {
                    ui.note(&format!("without effect in imgtool: {}", given.join(", ")));
                }
            }
        }
    };
}

vain! {
    #[arg(long, value_name = "LIST", hide = true)]
    allow: Vec<String> = "--allow",
    #[arg(long, value_name = "ANNOTATION", hide = true)]
    annotation: Vec<String> = "--annotation",
    #[arg(long, value_name = "ATTESTATION", hide = true)]
    attest: Vec<String> = "--attest",
    #[arg(long, value_name = "NAME", hide = true)]
    builder: Option<String> = "--builder",
    #[arg(long, value_name = "NAME", hide = true)]
    cgroup_parent: Option<String> = "--cgroup-parent",
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    compress: Option<bool> = "--compress",
    #[arg(long, value_name = "INT", hide = true)]
    cpu_period: Option<String> = "--cpu-period",
    #[arg(long, value_name = "INT", hide = true)]
    cpu_quota: Option<String> = "--cpu-quota",
    #[arg(short = 'c', long, value_name = "INT", hide = true)]
    cpu_shares: Option<String> = "--cpu-shares",
    #[arg(long, value_name = "CPUS", hide = true)]
    cpuset_cpus: Option<String> = "--cpuset-cpus",
    #[arg(long, value_name = "NODES", hide = true)]
    cpuset_mems: Option<String> = "--cpuset-mems",
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    force_rm: Option<bool> = "--force-rm",
    #[arg(long, value_name = "NAME", hide = true)]
    isolation: Option<String> = "--isolation",
    #[arg(short, long, value_name = "BYTES", hide = true)]
    memory: Option<String> = "--memory",
    #[arg(long, value_name = "BYTES", hide = true)]
    memory_swap: Option<String> = "--memory-swap",
    #[arg(long, value_name = "VALUE", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    provenance: Option<String> = "--provenance",
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    rm: Option<bool> = "--rm",
    #[arg(long, value_name = "VALUE", hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    sbom: Option<String> = "--sbom",
    #[arg(long, value_name = "OPTION", hide = true)]
    security_opt: Vec<String> = "--security-opt",
    #[arg(long, value_name = "BYTES", hide = true)]
    shm_size: Option<String> = "--shm-size",
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    squash: Option<bool> = "--squash",
}

/// Whether a flag was given.
trait Given {
    fn is_given(&self) -> bool;
}

impl<T> Given for Option<T> {
    fn is_given(&self) -> bool {
        self.is_some()
    }
}

impl<T> Given for Vec<T> {
    fn is_given(&self) -> bool {
        !self.is_empty()
    }
}
