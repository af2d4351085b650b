//! Container names: the rule they obey, and generated ones (`adjective_surname`, Docker's style).

use crate::error::{Error, Result};

/// The rule as Docker writes it in messages.
pub const RULE: &str = "[a-zA-Z0-9][a-zA-Z0-9_.-]";

/// Checks a name that a client gives, with or without the leading slash; returns it without.
pub fn check(given: &str) -> Result<&str> {
    let name = given.strip_prefix('/').unwrap_or(given);
    if is_valid(name) {
        return Ok(name);
    }
    Err(Error::invalid(format!(
        "Invalid container name ({given}), only {RULE} are allowed"
    )))
}

/// Whether `name` (without a slash) is a container or volume name: two characters at least.
#[must_use]
pub fn is_valid(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    match name.as_bytes() {
        [first, rest @ ..] => first.is_ascii_alphanumeric() && !rest.is_empty() && rest.iter().copied().all(inner),
        [] => false,
    }
}

/// A generated name. `random` chooses the words; from the seventh `attempt` on a digit is added, because
/// by then most of the pairs are taken.
#[must_use]
pub fn generated(random: u64, attempt: u32) -> String {
    let pick = |words: &[&'static str], number: u64| {
        let index = usize::try_from(number % words.len() as u64).unwrap_or(0);
        words.get(index).copied().unwrap_or("steel")
    };
    let adjective = pick(ADJECTIVES, random);
    let surname = pick(SURNAMES, random / ADJECTIVES.len() as u64);
    if attempt < 6 {
        format!("{adjective}_{surname}")
    } else {
        format!("{adjective}_{surname}{}", (random >> 40) % 10_000)
    }
}

const ADJECTIVES: &[&str] = &[
    "agile", "amber", "ample", "apt", "arctic", "artful", "autumn", "azure", "blithe", "bold", "brave", "breezy",
    "bright", "brisk", "bronze", "calm", "candid", "careful", "cheerful", "chilly", "civil", "clear", "clever",
    "cobalt", "copper", "cosmic", "crimson", "crisp", "curious", "daring", "dazzling", "deft", "eager", "earnest",
    "easy", "elated", "electric", "elegant", "fair", "faithful", "fearless", "fleet", "fluent", "fond", "frank",
    "friendly", "frosty", "gallant", "gentle", "genuine", "gifted", "glad", "golden", "graceful", "grand", "happy",
    "hardy", "hearty", "honest", "humble", "indigo", "iron", "ivory", "jolly", "jovial", "keen", "kind", "lively",
    "loyal", "lucid", "lucky", "lunar", "magnetic", "mellow", "merry", "mighty", "mild", "modest", "neat", "nimble",
    "noble", "patient", "placid", "plucky", "polished", "proud", "prudent", "quick", "quiet", "radiant", "rapid",
    "ready", "robust", "rusty", "scarlet", "serene", "sharp", "silver", "sincere", "sleek", "smooth", "snowy", "solar",
    "solid", "spirited", "stable", "stately", "steady", "sturdy", "sunny", "swift", "tender", "thrifty", "tidy",
    "tranquil", "trusty", "upbeat", "valiant", "velvet", "vivid", "warm", "wise", "witty", "zealous",
];

const SURNAMES: &[&str] = &[
    "abel",
    "agnesi",
    "ampere",
    "anning",
    "arago",
    "avogadro",
    "babbage",
    "bacon",
    "banach",
    "bell",
    "bernoulli",
    "bessel",
    "bessemer",
    "bohr",
    "boltzmann",
    "boole",
    "born",
    "bose",
    "boyle",
    "brahe",
    "braille",
    "cantor",
    "carnot",
    "carson",
    "cauchy",
    "cavendish",
    "cayley",
    "celsius",
    "chandrasekhar",
    "chatelet",
    "chebyshev",
    "church",
    "cort",
    "coulomb",
    "crick",
    "curie",
    "cuvier",
    "dalton",
    "darby",
    "darwin",
    "davy",
    "dedekind",
    "descartes",
    "diesel",
    "dijkstra",
    "diophantus",
    "dirac",
    "doppler",
    "einstein",
    "eiffel",
    "engelbart",
    "euclid",
    "euler",
    "faraday",
    "fermat",
    "fermi",
    "feynman",
    "fibonacci",
    "fizeau",
    "fleming",
    "foucault",
    "fourier",
    "franklin",
    "fresnel",
    "galileo",
    "galois",
    "galvani",
    "gauss",
    "germain",
    "gibbs",
    "godel",
    "goodall",
    "gutenberg",
    "hadamard",
    "haller",
    "hamilton",
    "heisenberg",
    "helmholtz",
    "henry",
    "herschel",
    "hertz",
    "hilbert",
    "hooke",
    "hopper",
    "hubble",
    "humboldt",
    "huygens",
    "hypatia",
    "jacobi",
    "jenner",
    "joule",
    "kelvin",
    "kepler",
    "khayyam",
    "kirchhoff",
    "koch",
    "kovalevskaya",
    "lagrange",
    "lamarr",
    "laplace",
    "lavoisier",
    "legendre",
    "leibniz",
    "linnaeus",
    "lovelace",
    "mach",
    "maxwell",
    "meitner",
    "mendel",
    "mendeleev",
    "mercator",
    "minkowski",
    "morse",
    "napier",
    "newton",
    "nightingale",
    "nobel",
    "noether",
    "ohm",
    "oersted",
    "papin",
    "pascal",
    "pasteur",
    "pauli",
    "peano",
    "perrin",
    "planck",
    "poincare",
    "poisson",
    "ptolemy",
    "pythagoras",
    "ramanujan",
    "riemann",
    "ritchie",
    "roentgen",
    "rutherford",
    "sagan",
    "schrodinger",
    "shannon",
    "siemens",
    "snell",
    "somerville",
    "stokes",
    "tesla",
    "thales",
    "torricelli",
    "turing",
    "vaucanson",
    "viete",
    "volta",
    "wallis",
    "watt",
    "weber",
    "weierstrass",
    "wu",
    "young",
    "yukawa",
    "zeno",
    "zuse",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule() {
        for good in ["ab", "/ab", "a_b", "A.b-c", "0x"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "/", "a", "_a", "-a", ".a", "a b", "a/b", "//ab", "é1", "a\n"] {
            let error = check(bad).unwrap_err();
            assert_eq!(
                error.message,
                format!("Invalid container name ({bad}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
            );
        }
    }

    #[test]
    fn generated_names_are_valid() {
        for random in [0, 1, 77, u64::MAX, u64::MAX / 3] {
            for attempt in [0, 9] {
                assert!(is_valid(&generated(random, attempt)));
            }
        }
        assert_ne!(generated(1, 0), generated(2, 0));
    }
}
