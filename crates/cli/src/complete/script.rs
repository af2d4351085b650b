//! The scripts that shells load. They know nothing but how to ask the program.

/// The shells there are scripts for.
pub(crate) const SHELLS: [&str; 3] = ["bash", "fish", "zsh"];

/// The script for `shell` and the program called `program`.
pub(crate) fn script(shell: &str, program: &str) -> Option<String> {
    let text = match shell {
        "bash" => include_str!("script.bash"),
        "fish" => include_str!("script.fish"),
        "zsh" => include_str!("script.zsh"),
        _ => return None,
    };
    Some(text.replace("corten", program))
}
