//! `import`: makes an image of one layer from an archive of files.

use std::io::{self, IsTerminal as _};

use corten_base::reference::Reference;
use corten_client::ImportOptions;

use crate::archive::Source;
use crate::failure::Failure;
use crate::flag::{Flag, Kind, Parsed, Rules};
use crate::progress;
use crate::verb::{Arguments, Invocation, Verb, block_on};

const FLAGS: &[Flag] = &[
    Flag::new("change", Kind::List, "Apply a Dockerfile instruction to the image").short('c'),
    Flag::new("message", Kind::Text, "Comment for the image's history").short('m'),
    Flag::new("platform", Kind::Text, "Platform of the image"),
];

pub(super) const VERB: Verb = Verb {
    names: &["import"],
    shortcut: Some("import"),
    usage: "[OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    about: "Import the contents from a tarball to create a filesystem image",
    arguments: Arguments::AtLeast(1),
    rules: Rules {
        tables: &[FLAGS],
        interspersed: true,
    },
    run: import,
};

fn import(invocation: &Invocation, parsed: &Parsed) -> Result<(), Failure> {
    let options = options(parsed)?;
    let path = parsed.arguments[0].as_str();
    let is_address = path.starts_with("http://") || path.starts_with("https://");
    let source = match path {
        "-" => Some(Source::Stdin),
        _ if is_address => None,
        path => Some(Source::open(path)?),
    };
    let client = invocation.client()?;
    let terminal = io::stdout().is_terminal();
    block_on(async {
        client.negotiate().await?;
        let messages = match source {
            Some(source) => client.import_image(source.upload(), &options).await?,
            // The engine fetches it.
            None => client.import_image_from(path, &options).await?,
        };
        progress::show(messages, &mut io::stdout(), terminal).await
    })
}

fn options(parsed: &Parsed) -> Result<ImportOptions, Failure> {
    let mut options = ImportOptions {
        changes: parsed.owned("change"),
        message: parsed.text_or_empty("message"),
        platform: parsed.text_or_empty("platform"),
        ..ImportOptions::default()
    };
    if let Some(name) = parsed.arguments.get(1) {
        Reference::parse(name).map_err(|error| Failure::new(error.to_string()))?;
        options.repository = name.clone();
    }
    Ok(options)
}
