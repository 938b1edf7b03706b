//! `build`: a Dockerfile and its context become an image.

pub mod context;
pub mod files;
pub mod run;
