//! Classic BPF is assembled from its end: jumps only lead forward, so every target is known when a jump
//! to it is made. Conditional jumps reach 255 instructions; farther targets get a stepping stone.

use corten_sys::seccomp::Instruction;

/// linux/bpf_common.h.
pub(super) const LOAD_WORD: u16 = 0x20;
pub(super) const AND_VALUE: u16 = 0x54;
pub(super) const JUMP: u16 = 0x05;
pub(super) const JUMP_EQUAL: u16 = 0x15;
pub(super) const JUMP_GREATER: u16 = 0x25;
pub(super) const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
pub(super) const RETURN: u16 = 0x06;

/// Place of an instruction, counted from the program's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Where a test leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branches {
    pub(super) yes: Label,
    pub(super) no: Label,
}

/// A program under construction, last instruction first.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    reversed: Vec<Instruction>,
}

impl Assembler {
    /// The program in order.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        self.reversed.reverse();
        self.reversed
    }

    fn push(&mut self, code: u16, operand: u32) -> Label {
        self.reversed.push(Instruction {
            code,
            jump_true: 0,
            jump_false: 0,
            operand,
        });
        Label(self.reversed.len() - 1)
    }

    /// Ends with a verdict; one that is near is used again.
    pub(super) fn verdict(&mut self, value: u32) -> Label {
        const NEAR: usize = 200;
        let near = self.reversed.iter().enumerate().rev().take(NEAR);
        let same = near
            .into_iter()
            .find(|(_, one)| one.code == RETURN && one.operand == value);
        match same {
            Some((index, _)) => Label(index),
            None => self.push(RETURN, value),
        }
    }

    /// An instruction that goes on with `next`.
    pub(super) fn then(&mut self, code: u16, operand: u32, next: Label) -> Label {
        self.reach(next);
        self.push(code, operand)
    }

    /// A comparison of the accumulator with `operand`.
    pub(super) fn test(&mut self, code: u16, operand: u32, branches: Branches) -> Label {
        if branches.yes == branches.no {
            return branches.yes;
        }
        // Each stepping stone moves the other target one farther away.
        let yes = self.within(branches.yes, 1);
        let no = self.within(branches.no, 0);
        let distance = |label: Label| self.reversed.len() - 1 - label.0;
        let (jump_true, jump_false) = (distance(yes) as u8, distance(no) as u8);
        self.reversed.push(Instruction {
            code,
            jump_true,
            jump_false,
            operand,
        });
        Label(self.reversed.len() - 1)
    }

    /// Makes `next` the instruction after the one to be pushed.
    fn reach(&mut self, next: Label) {
        let distance = self.reversed.len() - 1 - next.0;
        if distance > 0 {
            self.push(JUMP, distance as u32);
        }
    }

    fn within(&mut self, label: Label, stones: usize) -> Label {
        let distance = self.reversed.len() - 1 - label.0;
        if distance + stones <= usize::from(u8::MAX) {
            return label;
        }
        self.push(JUMP, distance as u32)
    }
}
