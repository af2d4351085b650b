//! The program of `hello-world`: machine code that writes a message and exits, in an ELF file of one segment.
//! It ends with 0 when all was written, else with 1.

/// Where the file is mapped.
const BASE: u64 = 0x40_0000;
const ELF_HEADER_BYTES: u64 = 64;
const PROGRAM_HEADER_BYTES: u64 = 56;
const CODE_OFFSET: u64 = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;

/// The whole executable; none for a processor that there is no code for. `message` is shorter than 64 KiB.
pub(super) fn elf(architecture: &str, message: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(message.len()).ok()?;
    let (machine, code) = match architecture {
        "amd64" => (62, amd64(length)),
        "arm64" => (183, arm64(length)),
        _ => return None,
    };
    let mut file = headers(machine, CODE_OFFSET + (code.len() + message.len()) as u64);
    file.extend_from_slice(&code);
    file.extend_from_slice(message);
    Some(file)
}

/// ELF header and the one program header: the whole file, readable and executable.
fn headers(machine: u16, size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    // 64 bit, little endian, version 1, System V.
    out.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    for half in [2, machine] {
        out.extend_from_slice(&u16::to_le_bytes(half));
    }
    out.extend_from_slice(&1u32.to_le_bytes());
    for word in [BASE + CODE_OFFSET, ELF_HEADER_BYTES, 0] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&0u32.to_le_bytes());
    // Sizes of this header, a program header, their number; no sections.
    for half in [64u16, 56, 1, 64, 0, 0] {
        out.extend_from_slice(&half.to_le_bytes());
    }
    // PT_LOAD, read and execute.
    for word in [1u32, 5] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    for word in [0, BASE, BASE, size, size, 0x1000] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out
}

/// The message follows the code directly.
fn amd64(length: u16) -> Vec<u8> {
    const CODE_BYTES: u8 = 56;
    let mut code = Vec::new();
    let mut add = |bytes: &[u8]| code.extend_from_slice(bytes);
    add(&[0x48, 0x8d, 0x35, CODE_BYTES - 7, 0, 0, 0]); //  0 lea  rsi, [rip + message]
    add(&[0xba]); //                                        7 mov  edx, length
    add(&u32::from(length).to_le_bytes());
    add(&[0xb8, 1, 0, 0, 0]); //                           12 write: mov eax, 1
    add(&[0xbf, 1, 0, 0, 0]); //                           17 mov  edi, 1
    add(&[0x0f, 0x05]); //                                 22 syscall
    add(&[0x48, 0x85, 0xc0]); //                           24 test rax, rax
    add(&[0x7e, 49 - 29]); //                              27 jle  fail
    add(&[0x48, 0x01, 0xc6]); //                           29 add  rsi, rax
    add(&[0x29, 0xc2]); //                                 32 sub  edx, eax
    add(&[0x75, 0u8.wrapping_sub(36 - 12)]); //            34 jnz  write
    add(&[0x31, 0xff]); //                                 36 xor  edi, edi
    add(&[0xb8, 60, 0, 0, 0]); //                          38 exit: mov eax, 60
    add(&[0x0f, 0x05]); //                                 43 syscall
    add(&[0x0f, 0x0b, 0x90, 0x90]); //                     45 ud2
    add(&[0xbf, 1, 0, 0, 0]); //                           49 fail: mov edi, 1
    add(&[0xeb, 0u8.wrapping_sub(56 - 38)]); //            54 jmp  exit
    code
}

fn arm64(length: u16) -> Vec<u8> {
    const CODE_WORDS: u32 = 15;
    // Register numbers and immediate fields of the Arm Architecture Reference Manual, A64.
    let movz = |register: u32, value: u32| 0x5280_0000 | (value << 5) | register;
    let message = CODE_WORDS * 4;
    let adr = 0x1000_0000 | ((message & 3) << 29) | ((message >> 2) << 5) | 1;
    let conditional = |condition: u32, words: i32| 0x5400_0000 | ((words.cast_unsigned() & 0x7_ffff) << 5) | condition;
    let (equal_not, less_or_equal) = (1, 13);
    let supervisor_call = 0xd400_0001;
    let code: [u32; CODE_WORDS as usize] = [
        adr,                                                  //  0 adr  x1, message
        movz(2, length.into()),                               //  1 mov  w2, length
        movz(0, 1),                                           //  2 write: mov w0, 1
        movz(8, 64),                                          //  3 mov  w8, 64
        supervisor_call,                                      //  4 svc
        0xf100_001f,                                          //  5 cmp  x0, 0
        conditional(less_or_equal, 7),                        //  6 b.le fail
        0x8b00_0021,                                          //  7 add  x1, x1, x0
        0x6b00_0042,                                          //  8 subs w2, w2, w0
        conditional(equal_not, -7),                           //  9 b.ne write
        movz(0, 0),                                           // 10 mov  w0, 0
        movz(8, 93),                                          // 11 exit: mov w8, 93
        supervisor_call,                                      // 12 svc
        movz(0, 1),                                           // 13 fail: mov w0, 1
        0x1400_0000 | (0x3ff_ffff & (-3i32).cast_unsigned()), // 14 b exit
    ];
    code.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn runs_on_this_processor() {
        let architecture = corten_base::Platform::host().architecture;
        let Some(program) = elf(&architecture, b"one\ntwo\n") else {
            eprintln!("skip: no program for {architecture}");
            return;
        };
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("hello");
        std::fs::write(&path, program).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        let output = Command::new(&path).output().expect("run");
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(0), &b"one\ntwo\n"[..])
        );
        let full = std::fs::File::options().write(true).open("/dev/full").expect("open");
        let status = Command::new(&path).stdout(Stdio::from(full)).status().expect("run");
        assert_eq!(status.code(), Some(1), "a failed write is an error");
    }

    #[test]
    fn both_processors_have_whole_files() {
        for architecture in ["amd64", "arm64"] {
            let program = elf(architecture, b"text").expect("known");
            assert!(program.starts_with(b"\x7fELF") && program.ends_with(b"text"));
            let mut size = [0; 8];
            (&program[96..]).read_exact(&mut size).expect("within");
            assert_eq!(u64::from_le_bytes(size), program.len() as u64);
        }
        assert!(elf("s390x", b"").is_none());
    }
}
