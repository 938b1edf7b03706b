//! Why files of an image cannot be shown.

use std::io;
use std::path::PathBuf;

use crate::layer::overlay::FollowError;
use crate::layer::path::Escaped;

/// Why files of an image cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// More paths than can be analyzed.
    #[error("{image} has more than {limit} paths in its layers: too many to analyze")]
    TooManyPaths {
        /// The image.
        image: String,
        /// The limit.
        limit: usize,
    },
    /// A path leads nowhere in the image.
    #[error("{}: {source}", Escaped(path))]
    Path {
        /// The path, as it was typed.
        path: Vec<u8>,
        /// Why.
        source: FollowError,
    },
    /// A directory, or something else without a content, where a file is needed.
    #[error("{}: {what}", Escaped(path))]
    NotAFile {
        /// The path, as it was typed.
        path: Vec<u8>,
        /// What it is instead.
        what: &'static str,
    },
    /// No layer of the image has a file.
    #[error("{}: No such file or directory in any layer of {image}", Escaped(path))]
    InNoLayer {
        /// The image.
        image: String,
        /// The path, as it was typed.
        path: Vec<u8>,
    },
    /// The image has no layer of that number or digest.
    #[error("{image} has no layer {typed}: imgtool layers {image} lists its {layers} layers")]
    NoLayer {
        /// The image.
        image: String,
        /// What was typed.
        typed: String,
        /// How many layers it has.
        layers: usize,
    },
    /// Several layers begin with the digest that was typed.
    #[error("several layers of {image} begin with {typed}: type more of the digest, or the number")]
    AmbiguousLayer {
        /// The image.
        image: String,
        /// What was typed.
        typed: String,
    },
    /// A link leads back to a directory on the way.
    #[error("{}: a symbolic link leads back to a directory above it", Escaped(path))]
    Circle {
        /// The link.
        path: Vec<u8>,
    },
    /// Links that are followed make a path too long.
    #[error("symbolic links lead to paths of more than {limit} bytes, which are left out")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Links that are followed lead to too many files.
    #[error("symbolic links lead to more than {limit} files: the others are left out")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The destination of a copy cannot be looked at.
    #[error("{}", path.display())]
    Destination {
        /// The destination, or the directory that it would be in.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// What is to be copied is not in the image.
    #[error("Could not find the file {} in image {image}", Escaped(path))]
    NotInImage {
        /// The path, as it was typed.
        path: Vec<u8>,
        /// The image, as it was typed.
        image: String,
    },
    /// A directory is to be copied where a file is.
    #[error("cannot copy directory: {} is none", path.display())]
    DirectoryOverFile {
        /// The destination.
        path: PathBuf,
    },
    /// A file is to be copied into a directory that is not there.
    #[error("{}: no such directory; to give the copy this name, leave out the slash at the end", path.display())]
    NoSuchDirectory {
        /// The destination.
        path: PathBuf,
    },
    /// The directory that a copy is to be in is not there.
    #[error("invalid output path: directory {:?} does not exist", path.display().to_string())]
    NoParent {
        /// The directory.
        path: PathBuf,
    },
    /// Something is to be copied over a device.
    #[error("invalid output path: {:?} must be a directory or a regular file: got a device", path.display().to_string())]
    SpecialDestination {
        /// The destination.
        path: PathBuf,
    },
    /// The destination is a link to a link and so on.
    #[error("{}: too many levels of symbolic links", path.display())]
    TooManyLinks {
        /// The destination.
        path: PathBuf,
    },
    /// A pattern of `grep` cannot be used.
    #[error("{source}")]
    Pattern {
        /// Why.
        source: RegexError,
    },
    /// An expression of `find` cannot be read.
    #[error(transparent)]
    Find(#[from] FindError),
}

/// Why an expression of `find` cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A word that there is not.
    #[error("unknown predicate '{word}': imgtool find --help lists them")]
    Unknown {
        /// The word.
        word: String,
    },
    /// A word of GNU find that makes no sense for an image.
    #[error("{word}: {why}")]
    Refused {
        /// The word.
        word: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// A word without its argument.
    #[error("missing argument to '{word}'")]
    NoArgument {
        /// The word.
        word: String,
    },
    /// An argument that does not fit.
    #[error("{word} {argument}: expected {expected}")]
    Argument {
        /// The word.
        word: String,
        /// Its argument.
        argument: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A directive that cannot be had.
    #[error("-printf: {named} is not known of files of an image")]
    Format {
        /// The directive.
        named: String,
    },
    /// A regular expression that cannot be used.
    #[error("{word}")]
    Regex {
        /// The word.
        word: String,
        /// Why.
        #[source]
        source: RegexError,
    },
    /// A file that others are compared with is not there.
    #[error(transparent)]
    Reference {
        /// Why.
        source: Box<FilesError>,
    },
    /// An operator without what it stands before.
    #[error("invalid expression: something must follow '{before}'")]
    Incomplete {
        /// The operator.
        before: String,
    },
    /// A parenthesis that is not closed.
    #[error("invalid expression: a ')' is missing")]
    Unclosed,
    /// A word that is no predicate.
    #[error("paths must precede the expression: '{word}'")]
    Leftover {
        /// The word.
        word: String,
    },
    /// Too many parentheses.
    #[error("more than {limit} parentheses in each other")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// A reference to a group.
    #[error("references to groups (\\{0}) are not supported")]
    Reference(char),
    /// It ends with a backslash.
    #[error("Trailing backslash")]
    Backslash,
    /// A set that is not closed.
    #[error("Unmatched [, [^, [:, [., or [=")]
    Bracket,
    /// A class of characters that does not exist.
    #[error("Invalid character class name")]
    Class,
    /// Braces that are no repetition.
    #[error("Invalid content of \\{{\\}}")]
    Braces,
    /// Anything else, in the words of the crate.
    #[error("{0}")]
    Other(String),
}
