//! The rules.

/// A rule of docker's for Dockerfiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A stage's name has capitals.
    StageNameCasing,
    /// `FROM … as`: one in capitals, the other not.
    FromAsCasing,
    /// An empty line in the middle of an instruction.
    NoEmptyContinuation,
    /// Keywords in capitals and others not.
    ConsistentInstructionCasing,
    /// Two stages of one name.
    DuplicateStageName,
    /// A stage named `scratch` or `context`.
    ReservedStageName,
    /// `CMD` or `ENTRYPOINT` in shell form.
    JsonArgsRecommended,
    /// `MAINTAINER`.
    MaintainerDeprecated,
    /// `FROM` uses an `ARG` that is not declared.
    UndefinedArgInFrom,
    /// A relative `WORKDIR` before an absolute one.
    WorkdirRelativePath,
    /// A variable that has no value.
    UndefinedVar,
    /// A second `CMD`, `ENTRYPOINT` or `HEALTHCHECK` in a stage.
    MultipleInstructionsDisallowed,
    /// `ENV a b`.
    LegacyKeyValueFormat,
    /// `FROM --platform=$TARGETPLATFORM`.
    RedundantTargetPlatform,
    /// An `ARG` or `ENV` that is named like a password.
    SecretsUsedInArgOrEnv,
    /// `FROM` needs an `ARG` without a default.
    InvalidDefaultArgInFrom,
    /// `FROM --platform=linux/amd64`.
    FromPlatformFlagConstDisallowed,
    /// `COPY` of what `.dockerignore` excludes.
    CopyIgnoredFile,
    /// A comment above a stage or an `ARG` that does not begin with its name.
    InvalidDefinitionDescription,
    /// `EXPOSE 80/TCP`.
    ExposeProtoCasing,
    /// `EXPOSE 127.0.0.1:80:80`.
    ExposeInvalidFormat,
    /// The image of `FROM` is for another platform than what is built.
    InvalidBaseImagePlatform,
}

impl Rule {
    /// Docker's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::StageNameCasing => "StageNameCasing",
            Self::FromAsCasing => "FromAsCasing",
            Self::NoEmptyContinuation => "NoEmptyContinuation",
            Self::ConsistentInstructionCasing => "ConsistentInstructionCasing",
            Self::DuplicateStageName => "DuplicateStageName",
            Self::ReservedStageName => "ReservedStageName",
            Self::JsonArgsRecommended => "JSONArgsRecommended",
            Self::MaintainerDeprecated => "MaintainerDeprecated",
            Self::UndefinedArgInFrom => "UndefinedArgInFrom",
            Self::WorkdirRelativePath => "WorkdirRelativePath",
            Self::UndefinedVar => "UndefinedVar",
            Self::MultipleInstructionsDisallowed => "MultipleInstructionsDisallowed",
            Self::LegacyKeyValueFormat => "LegacyKeyValueFormat",
            Self::RedundantTargetPlatform => "RedundantTargetPlatform",
            Self::SecretsUsedInArgOrEnv => "SecretsUsedInArgOrEnv",
            Self::InvalidDefaultArgInFrom => "InvalidDefaultArgInFrom",
            Self::FromPlatformFlagConstDisallowed => "FromPlatformFlagConstDisallowed",
            Self::CopyIgnoredFile => "CopyIgnoredFile",
            Self::InvalidDefinitionDescription => "InvalidDefinitionDescription",
            Self::ExposeProtoCasing => "ExposeProtoCasing",
            Self::ExposeInvalidFormat => "ExposeInvalidFormat",
            Self::InvalidBaseImagePlatform => "InvalidBaseImagePlatform",
        }
    }

    /// Where docker explains it.
    pub fn url(self) -> String {
        let mut words = self.name().replace("JSON", "Json");
        let capitals: Vec<usize> = words
            .char_indices()
            .filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase())
            .map(|(at, _)| at)
            .collect();
        for at in capitals.into_iter().rev() {
            words.insert(at, '-');
        }
        format!("https://docs.docker.com/go/dockerfile/rule/{}/", words.to_ascii_lowercase())
    }

    /// Whether it is looked at only when it is asked for.
    pub fn is_experimental(self) -> bool {
        self == Self::InvalidDefinitionDescription
    }
}
