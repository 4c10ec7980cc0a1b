//! Names of files and folders: what is refused, so that a name never becomes a path.
