//! A classic BPF interpreter for tests: what a filter says to a call. It refuses what the kernel's checker would.

use corten_sys::seccomp::Instruction;

use super::assembler::{AND_VALUE, JUMP, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD_WORD, RETURN};

/// A system call as a filter sees it.
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) audit: u32,
    pub(super) arguments: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.audit,
            _ => {
                let at = (offset - 16) as usize;
                (self.arguments[at / 8] >> (8 * (at % 8))) as u32
            }
        }
    }
}

/// The verdict.
pub(super) fn run(program: &[Instruction], call: &Call) -> u32 {
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let one = program[at];
        at += 1;
        let mut jump = |taken: bool| at += usize::from(if taken { one.jump_true } else { one.jump_false });
        match one.code {
            LOAD_WORD => accumulator = call.word(one.operand),
            AND_VALUE => accumulator &= one.operand,
            JUMP => at += one.operand as usize,
            JUMP_EQUAL => jump(accumulator == one.operand),
            JUMP_GREATER => jump(accumulator > one.operand),
            JUMP_GREATER_OR_EQUAL => jump(accumulator >= one.operand),
            RETURN => return one.operand,
            code => panic!("unknown instruction {code:#x}"),
        }
    }
}
