//! `corten`: the program. Everything is in the library, so that fuzz targets reach it.

#![cfg_attr(not(test), no_main)]

corten_sys::entry!(corten_cli::main);
