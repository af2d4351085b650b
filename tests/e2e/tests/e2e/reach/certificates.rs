//! Certificates for a daemon and its clients, as files.

use std::path::{Path, PathBuf};

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

/// An authority whose files lie in one directory: `ca.pem`, `<name>.pem`, `<name>-key.pem`.
pub(super) struct Authority {
    directory: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one with a directory of its own.
    pub(super) fn new(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let mut params = CertificateParams::new(Vec::new())?;
        // Of two authorities with one name clients would take one for the other.
        let name = super::text(directory)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        std::fs::write(directory.join("ca.pem"), params.self_signed(&key)?.pem())?;
        Ok(Self {
            directory: directory.to_owned(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Makes a certificate that ends in a year.
    pub(super) fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose, year: i32) -> Result<()> {
        let names = ["localhost", "127.0.0.1", corten_testkit::sandbox::INSIDE4].map(str::to_owned);
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![usage];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate()?;
        std::fs::write(self.path(name), params.signed_by(&key, &self.issuer)?.pem())?;
        std::fs::write(self.path(&format!("{name}-key")), key.serialize_pem())?;
        Ok(())
    }

    /// A certificate for a client.
    pub(super) fn client(&self, name: &str) -> Result<()> {
        self.sign(name, ExtendedKeyUsagePurpose::ClientAuth, 2100)
    }

    /// The file of a name.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.pem"))
    }

    /// The flags of a daemon with this authority.
    pub(super) fn daemon_flags(&self) -> Result<Vec<String>> {
        self.sign("server", ExtendedKeyUsagePurpose::ServerAuth, 2100)?;
        let mut flags = vec!["--tlsverify".to_owned()];
        flags.extend(self.flags("ca", "server")?);
        Ok(flags)
    }

    /// The flags that name an authority and a certificate, for daemons and clients alike.
    pub(super) fn flags(&self, ca: &str, name: &str) -> Result<Vec<String>> {
        let files = [
            ("--tlscacert", self.path(ca)),
            ("--tlscert", self.path(name)),
            ("--tlskey", self.path(&format!("{name}-key"))),
        ];
        let mut flags = Vec::new();
        for (flag, path) in files {
            flags.extend([flag.to_owned(), super::text(&path)?]);
        }
        Ok(flags)
    }
}
