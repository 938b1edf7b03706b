//! Running a program in a root file system, through an OCI runtime.
