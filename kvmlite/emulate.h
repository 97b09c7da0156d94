/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs one decoded instruction on a vCPU's registers, with memory behind
 * callbacks. It exists for guest accesses that no page can answer:
 * MMIO, and writes to read-only memory.
 *
 * How the caller uses it
 * ----------------------
 *
 * 1. Fetch the bytes at CS:RIP, kl_decode() them. -EAGAIN with fewer than 15
 *    bytes means the rest lies on a page that did not translate.
 * 2. Fill struct kl_emul from the vCPU and call kl_emul_insn().
 * 3. Whatever it returns, regs, rip and rflags are always a state that the
 *    guest may be seen in: store back what are copies. Then perform the writes that .write
 *    and .exchange queued, in order, and last act on the return value.
 *
 * An MMIO read that user space must answer makes .read return KL_EMUL_IO. The
 * caller exits, puts the answer into its log, and comes back to step 2 (bytes
 * fetched anew or kept). Accesses of one instruction come in the same order
 * each time, so a log of completed reads in order is enough; it is dropped when
 * kl_emul_insn() reports progress: KL_EMUL_OK, or .iterations != 0.
 *
 * REP string instructions commit iteration by iteration. A call ends when the
 * count runs out, when .yield is set by a callback, when TF is set, or after
 * KL_EMUL_REP_BYTES; RIP then still points at the instruction, and entering the
 * guest carries on. That bounds a call, and lets interrupts in between, as on a
 * CPU.
 *
 * What stays with the caller after KL_EMUL_OK: the STI and MOV SS shadow ends;
 * if .trap is set a #DB with DR6.BS is due, before interrupts.
 */
#ifndef KL_EMULATE_H
#define KL_EMULATE_H

#include "decode.h"

#define KL_FLAG_CF	BIT(0)
#define KL_FLAG_PF	BIT(2)
#define KL_FLAG_AF	BIT(4)
#define KL_FLAG_ZF	BIT(6)
#define KL_FLAG_SF	BIT(7)
#define KL_FLAG_TF	BIT(8)
#define KL_FLAG_DF	BIT(10)
#define KL_FLAG_OF	BIT(11)
#define KL_FLAG_RF	BIT(16)
#define KL_FLAGS_ARITH	(KL_FLAG_CF | KL_FLAG_PF | KL_FLAG_AF | \
			 KL_FLAG_ZF | KL_FLAG_SF | KL_FLAG_OF)

/* Memory that one call moves for a REP string instruction, at most. */
#define KL_EMUL_REP_BYTES	4096

/**
 * enum kl_emul_result - outcome of kl_emul_insn() and of its callbacks
 * @KL_EMUL_OK: done; from kl_emul_insn() progress was made, see .iterations
 * @KL_EMUL_FAULT: the guest gets the exception in kl_emul.exception
 * @KL_EMUL_IO: an MMIO read must be completed first; run the instruction again
 * @KL_EMUL_RETRY: memory changed under the access; enter the guest, which
 *	runs the instruction again
 * @KL_EMUL_FAIL: not an access this emulator can make (KVM_INTERNAL_ERROR)
 *
 * Callbacks may also return a negative errno, which kl_emul_insn() hands on.
 */
enum kl_emul_result {
	KL_EMUL_OK,
	KL_EMUL_FAULT,
	KL_EMUL_IO,
	KL_EMUL_RETRY,
	KL_EMUL_FAIL,
};

#define KL_EMUL_SS	12
#define KL_EMUL_GP	13
#define KL_EMUL_PF	14
#define KL_EMUL_AC	17

/**
 * struct kl_emul_exception - what the guest gets with KL_EMUL_FAULT
 * @vector: exception number; always a fault: RIP stays at the instruction
 * @has_error_code: @error_code is pushed
 * @error_code: as the CPU would push it
 * @cr2: for #PF, set by the callback that saw it
 */
struct kl_emul_exception {
	u8 vector;
	bool has_error_code;
	u32 error_code;
	u64 cr2;
};

/**
 * struct kl_emul_seg - a segment register's hidden part
 * @base: added to the offset; in 64-bit mode only FS and GS have one
 * @limit: last byte, granularity applied
 * @type: descriptor type, bits 3:0 (SDM vol. 3, 3.4.5.1)
 * @db: the D/B flag
 * @unusable: null or never loaded
 */
struct kl_emul_seg {
	u64 base;
	u32 limit;
	u8 type;
	bool db;
	bool unusable;
};

struct kl_emul;

/**
 * struct kl_emul_ops - guest memory, by linear address
 * @read: @bytes (1..16) at @linear. With @for_write the same instruction goes on
 *	to write there, so the page must allow that before anything is read; a
 *	#PF then has W set.
 * @write: the same, writing. Must check all pages before it changes the first
 *	byte. A write to MMIO or to read-only memory is queued and answers
 *	KL_EMUL_OK; kl_emul_insn() can no longer fail once .write has succeeded.
 * @exchange: as @write, provided that memory still holds @old; otherwise
 *	KL_EMUL_RETRY and nothing changes. Atomic on memory; what would be queued
 *	is queued without the comparison.
 *
 * An access may cross a page. In 64-bit mode one that ends beyond 2^64 goes on at
 * 0; in the other modes addresses are below 4 GiB. Callbacks may set kl_emul.yield.
 */
struct kl_emul_ops {
	int (*read)(struct kl_emul *e, u64 linear, void *data, unsigned int bytes,
		    bool for_write);
	int (*write)(struct kl_emul *e, u64 linear, const void *data, unsigned int bytes);
	int (*exchange)(struct kl_emul *e, u64 linear, const void *old, const void *new,
			unsigned int bytes);
};

/**
 * struct kl_emul - the vCPU as the emulator sees it
 * @ops: guest memory
 * @mode: in: of the code segment; the one given to kl_decode()
 * @la57: in: 57-bit linear addresses (CR4.LA57)
 * @align_check: in: CPL 3, CR0.AM and RFLAGS.AC all set
 * @regs: in and out, the 16 general registers indexed by enum kl_gpr, in place
 * @rip: in and out
 * @rflags: in and out
 * @segs: in, indexed by enum kl_sreg; in 64-bit mode only FS or GS, if the
 *	instruction's memory operand names it
 * @yield: out; set by a callback to end a REP batch after this iteration
 * @trap: out, with KL_EMUL_OK: TF was set, single-step #DB is due
 * @iterations: out: REP iterations committed, whatever the result
 * @exception: out, with KL_EMUL_FAULT
 */
struct kl_emul {
	const struct kl_emul_ops *ops;
	enum kl_mode mode;
	bool la57;
	bool align_check;
	u64 *regs;
	u64 rip;
	u64 rflags;
	struct kl_emul_seg segs[KL_NR_SREGS];

	bool yield;
	bool trap;
	u32 iterations;
	struct kl_emul_exception exception;
};

int kl_emul_insn(struct kl_emul *e, const struct kl_insn *insn);

#endif /* KL_EMULATE_H */
