//! `build`: a Dockerfile and its context become an image.

pub mod run;
