// SPDX-License-Identifier: GPL-2.0
/*
 * The emulator on a small machine: 512 bytes of memory, 64 bytes of MMIO behind a
 * log as the vCPU layer keeps it, and nothing else. What arithmetic does to flags
 * is compared with a real CPU by selftests/fuzz/decode; the rows here fix the
 * cases by hand, and the rest is about faults, order and restarting.
 */
#include <kunit/test.h>

#include "emulate.h"
#include "emulate_priv.h"

#define RAM		0x1000ULL	/* linear; the stack is at its end */
#define RAM_LEN		0x200
#define RAM_END		(RAM + RAM_LEN)
#define MMIO		0x2000ULL
#define MMIO_LEN	0x40
#define ROM		0x3000ULL	/* readable, writes are queued */
#define ROM_LEN		0x40
#define LOCKED_OUT	0x4000ULL	/* another CPU always wins here */

#define ARITH		KL_FLAGS_ARITH

struct machine {
	struct kl_emul e;	/* first: callbacks get a pointer to it */
	u64 regs[KL_NR_GPRS];
	u8 ram[RAM_LEN];
	u8 log[8][8];		/* completed MMIO reads of this instruction */
	unsigned int logged, used;
	u64 pending;		/* MMIO address that .read waits for */
	struct {
		u64 addr, val;
		unsigned int bytes;
	} queue[8];
	unsigned int queued;
	bool yield_on_io;
	bool saw_for_write;
};

/* Too large for the stack of a debug kernel; KUnit runs one case at a time. */
static struct machine m, before;

static struct machine *machine_of(struct kl_emul *e)
{
	return (struct machine *)e;
}

static bool inside(u64 linear, unsigned int bytes, u64 start, unsigned int len)
{
	return linear >= start && linear + bytes <= start + len;
}

static int page_fault(struct kl_emul *e, u64 linear, bool write)
{
	e->exception = (struct kl_emul_exception){
		.vector = KL_EMUL_PF, .has_error_code = true,
		.error_code = write ? 2 : 0, .cr2 = linear,
	};
	return KL_EMUL_FAULT;
}

static int m_read(struct kl_emul *e, u64 linear, void *data, unsigned int bytes, bool for_write)
{
	struct machine *mach = machine_of(e);

	mach->saw_for_write = for_write;
	if (inside(linear, bytes, RAM, RAM_LEN)) {
		memcpy(data, mach->ram + (linear - RAM), bytes);
		return KL_EMUL_OK;
	}
	if (inside(linear, bytes, ROM, ROM_LEN)) {
		memset(data, 0x5a, bytes);
		return KL_EMUL_OK;
	}
	if (linear == LOCKED_OUT) {
		memset(data, 0, bytes);
		return KL_EMUL_OK;
	}
	if (!inside(linear, bytes, MMIO, MMIO_LEN) || bytes > 8)
		return page_fault(e, linear, for_write);
	if (mach->used == mach->logged) {
		mach->pending = linear;
		return KL_EMUL_IO;
	}
	memcpy(data, mach->log[mach->used++], bytes);
	e->yield = mach->yield_on_io;
	return KL_EMUL_OK;
}

static int m_write(struct kl_emul *e, u64 linear, const void *data, unsigned int bytes)
{
	struct machine *mach = machine_of(e);

	if (inside(linear, bytes, RAM, RAM_LEN)) {
		memcpy(mach->ram + (linear - RAM), data, bytes);
		return KL_EMUL_OK;
	}
	if ((!inside(linear, bytes, MMIO, MMIO_LEN) && !inside(linear, bytes, ROM, ROM_LEN)) ||
	    bytes > 8 || mach->queued == ARRAY_SIZE(mach->queue))
		return page_fault(e, linear, true);
	mach->queue[mach->queued].addr = linear;
	mach->queue[mach->queued].bytes = bytes;
	mach->queue[mach->queued].val = 0;
	memcpy(&mach->queue[mach->queued].val, data, bytes);
	mach->queued++;
	e->yield = mach->yield_on_io;
	return KL_EMUL_OK;
}

static int m_exchange(struct kl_emul *e, u64 linear, const void *old, const void *new,
		      unsigned int bytes)
{
	struct machine *mach = machine_of(e);

	if (linear == LOCKED_OUT)
		return KL_EMUL_RETRY;
	if (inside(linear, bytes, RAM, RAM_LEN) && memcmp(mach->ram + (linear - RAM), old, bytes))
		return KL_EMUL_RETRY;
	return m_write(e, linear, new, bytes);
}

static const struct kl_emul_ops m_ops = {
	.read = m_read, .write = m_write, .exchange = m_exchange,
};

static void m_init(struct machine *mach, enum kl_mode mode)
{
	unsigned int i;

	memset(mach, 0, sizeof(*mach));
	mach->e.ops = &m_ops;
	mach->e.regs = mach->regs;
	mach->e.mode = mode;
	mach->e.rip = 0x100;
	mach->e.rflags = 2;
	mach->e.regs[KL_RSP] = RAM_END;
	mach->yield_on_io = true;
	for (i = 0; i < KL_NR_SREGS; i++) {
		mach->e.segs[i].type = i == KL_CS ? 0xb : 0x3;
		mach->e.segs[i].limit = mode >= KL_MODE_PROT32 ? 0xffffffff : 0xffff;
		mach->e.segs[i].db = mode >= KL_MODE_PROT32;
	}
}

static int m_run(struct machine *mach, const char *bytes, unsigned int len)
{
	struct kl_insn insn;
	int ret = kl_decode(&insn, (const u8 *)bytes, len, mach->e.mode);

	mach->used = 0;
	return ret ? ret : kl_emul_insn(&mach->e, &insn);
}

#define RUN(m, bytes) m_run(m, bytes, sizeof(bytes) - 1)

static u64 m_ram(const struct machine *mach, u64 linear, unsigned int bytes)
{
	u64 val = 0;

	memcpy(&val, mach->ram + (linear - RAM), bytes);
	return val;
}

static void m_set_ram(struct machine *mach, u64 linear, u64 val)
{
	memcpy(mach->ram + (linear - RAM), &val, sizeof(val));
}

static void m_answer(struct machine *mach, u64 val)
{
	memcpy(mach->log[mach->logged++], &val, sizeof(val));
}

struct alu_row {
	u8 op, size;
	u64 a, b, result;
	u64 flags_in, flags;
};

#define CF KL_FLAG_CF
#define PF KL_FLAG_PF
#define AF KL_FLAG_AF
#define ZF KL_FLAG_ZF
#define SF KL_FLAG_SF
#define OF KL_FLAG_OF

static const struct alu_row alu_rows[] = {
	{ KL_OP_ADD, 1, 0xff, 0x01, 0x00, 0, CF | PF | AF | ZF },
	{ KL_OP_ADD, 1, 0x7f, 0x01, 0x80, 0, AF | SF | OF },
	{ KL_OP_ADD, 1, 0x80, 0x80, 0x00, 0, CF | PF | ZF | OF },
	{ KL_OP_ADD, 2, 0x00ff, 0x0001, 0x0100, 0, PF | AF },
	{ KL_OP_ADD, 4, 0x7fffffff, 0x7fffffff, 0xfffffffe, 0, AF | SF | OF },
	{ KL_OP_ADD, 8, ~0ULL, 1, 0, OF | SF, CF | PF | AF | ZF },
	{ KL_OP_ADC, 1, 0xff, 0x00, 0x00, CF, CF | PF | AF | ZF },
	{ KL_OP_ADC, 8, ~0ULL, ~0ULL, ~0ULL, CF, CF | PF | AF | SF },
	{ KL_OP_ADC, 4, 1, 2, 3, 0, PF },
	{ KL_OP_SUB, 1, 0x00, 0x01, 0xff, 0, CF | PF | AF | SF },
	{ KL_OP_SUB, 1, 0x80, 0x01, 0x7f, 0, AF | OF },
	{ KL_OP_SUB, 4, 5, 5, 0, CF, PF | ZF },
	{ KL_OP_SBB, 1, 0x00, 0xff, 0x00, CF, CF | PF | AF | ZF },
	{ KL_OP_SBB, 8, 0, 0, ~0ULL, CF, CF | PF | AF | SF },
	{ KL_OP_SBB, 2, 0x8000, 0, 0x7fff, CF, PF | AF | OF },
	{ KL_OP_CMP, 4, 1, 2, 0xffffffff, 0, CF | PF | AF | SF },
	{ KL_OP_AND, 4, 0xf0f0f0f0, 0x0f0f0f0f, 0, CF | OF | AF, PF | ZF },
	{ KL_OP_TEST, 1, 0x181, 0x180, 0x80, CF, SF },
	{ KL_OP_OR, 2, 0x8000, 0x0001, 0x8001, OF, SF },
	{ KL_OP_XOR, 8, 0x8000000000000003, 0, 0x8000000000000003, 0, PF | SF },
	{ KL_OP_INC, 1, 0xff, 0, 0x00, 0, PF | AF | ZF },
	{ KL_OP_INC, 4, 0x7fffffff, 0, 0x80000000, CF, CF | PF | AF | SF | OF },
	{ KL_OP_DEC, 1, 0x00, 0, 0xff, 0, PF | AF | SF },
	{ KL_OP_DEC, 2, 0x8000, 0, 0x7fff, CF, CF | PF | AF | OF },
	{ KL_OP_NEG, 4, 0, 0, 0, CF, PF | ZF },
	{ KL_OP_NEG, 1, 0x80, 0, 0x80, 0, CF | SF | OF },
	{ KL_OP_NEG, 8, 1, 0, ~0ULL, 0, CF | PF | AF | SF },
};

static void emulate_alu(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(alu_rows); i++) {
		const struct alu_row *row = &alu_rows[i];
		u64 flags = row->flags_in | KL_FLAG_DF | 2, result;

		result = kl_alu(row->op, row->size, row->a, row->b, &flags);
		KUNIT_EXPECT_EQ_MSG(test, result, row->result, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, flags & ARITH, row->flags, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, flags & ~(u64)ARITH, KL_FLAG_DF | 2, "row %u", i);
	}
}

/* An MMIO read: out to user space, and again with the answer. */
static void emulate_mmio_read(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RBX] = MMIO;
	m.e.regs[KL_RAX] = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x8b\x43\x08"), KL_EMUL_IO);	/* mov 8(%rbx), %eax */
	KUNIT_EXPECT_EQ(test, m.pending, MMIO + 8);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], ~0ULL);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x100);
	m_answer(&m, 0x1122334455667788);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x8b\x43\x08"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0x55667788);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x103);

	/* movsbl (%rbx), %ecx; movzwq; mov to ah leaves the rest */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xbe\x0b"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0xffffff88);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x48\x0f\xb7\x0b"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0x7788);
	m.e.regs[KL_RAX] = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x8a\x23"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0xffffffffffff88ff);
	KUNIT_EXPECT_EQ(test, m.queued, 0);
}

static void emulate_mmio_write(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RBX] = MMIO;
	m.e.regs[KL_RCX] = 0x1234;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x88\x2b"), KL_EMUL_OK);		/* mov %ch, (%rbx) */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x48\xc7\x03\xfe\xff\xff\xff"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.queued, 2);
	KUNIT_EXPECT_EQ(test, m.queue[0].val, 0x12);
	KUNIT_EXPECT_EQ(test, m.queue[0].bytes, 1);
	KUNIT_EXPECT_EQ(test, m.queue[1].val, 0xfffffffffffffffe);
	KUNIT_EXPECT_EQ(test, m.queue[1].bytes, 8);
}

/* Read-modify-write on MMIO: the write is queued only once the read is answered. */
static void emulate_mmio_rmw(struct kunit *test)
{
	m_init(&m, KL_MODE_PROT32);
	m.e.regs[KL_RBX] = MMIO;
	m.e.rflags |= CF;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x83\x13\x01"), KL_EMUL_IO);	/* lock adcl $1, (%ebx) */
	KUNIT_EXPECT_TRUE(test, m.saw_for_write);
	KUNIT_EXPECT_EQ(test, m.queued, 0);
	KUNIT_EXPECT_EQ(test, m.e.rflags, CF | 2);
	m_answer(&m, 0xfffffffe);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x83\x13\x01"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.queued, 1);
	KUNIT_EXPECT_EQ(test, m.queue[0].val, 0);
	KUNIT_EXPECT_EQ(test, m.e.rflags, CF | PF | AF | ZF | 2);

	/* CMP and BT only read */
	m.logged = 0;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x83\x3b\x01"), KL_EMUL_IO);
	KUNIT_EXPECT_FALSE(test, m.saw_for_write);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xba\x23\x01"), KL_EMUL_IO);
	KUNIT_EXPECT_FALSE(test, m.saw_for_write);
	/* a write to ROM goes where writes to MMIO go, on what ROM holds */
	m.e.regs[KL_RBX] = ROM;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xfe\x03"), KL_EMUL_OK);		/* incb (%ebx) */
	KUNIT_EXPECT_EQ(test, m.queue[1].addr, ROM);
	KUNIT_EXPECT_EQ(test, m.queue[1].val, 0x5b);
}

static void emulate_exchange(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RBX] = RAM;
	m.e.regs[KL_RCX] = 0xaaaabbbbccccdddd;
	m_set_ram(&m, RAM, 0x1111111122222222);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x87\x0b"), KL_EMUL_OK);		/* xchg %ecx, (%rbx) */
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0x22222222);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM, 8), 0x11111111ccccdddd);

	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x48\x0f\xc1\x0b"), KL_EMUL_OK); /* lock xadd */
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0x11111111ccccdddd);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM, 8), 0x11111111eeeeffff);

	/* cmpxchg %ecx, (%rbx): no, then yes */
	m.e.regs[KL_RAX] = 0xffffffff00000000;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x0f\xb1\x0b"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0xeeeeffff);
	KUNIT_EXPECT_FALSE(test, m.e.rflags & ZF);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x0f\xb1\x0b"), KL_EMUL_OK);
	KUNIT_EXPECT_TRUE(test, m.e.rflags & ZF);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM, 8), 0x11111111ccccdddd);

	/* Lost against another CPU: nothing has happened. */
	m.e.regs[KL_RBX] = LOCKED_OUT;
	m.e.regs[KL_RCX] = 7;
	m.e.rip = 0x100;
	m.e.rflags = 2;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x01\x0b"), KL_EMUL_RETRY);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x87\x0b"), KL_EMUL_RETRY);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 7);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x100);
	KUNIT_EXPECT_EQ(test, m.e.rflags, 2);
}

static void emulate_cmpxchg8b(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m_set_ram(&m, RAM, 0x1111111122222222);
	m_set_ram(&m, RAM + 8, 0x3333333344444444);
	m.e.regs[KL_RSI] = RAM;
	m.e.rflags = ARITH & ~ZF;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xc7\x0e"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0x22222222);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RDX], 0x11111111);
	KUNIT_EXPECT_EQ(test, m.e.rflags, ARITH & ~ZF);
	m.e.regs[KL_RBX] = 0xffffffff00000001;
	m.e.regs[KL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x0f\xc7\x0e"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM, 8), 0x200000001);
	KUNIT_EXPECT_EQ(test, m.e.rflags, ARITH);

	/* cmpxchg16b: the halves, and the alignment that only it wants */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x48\x0f\xc7\x0e"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0x200000001);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RDX], 0x3333333344444444);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf0\x48\x0f\xc7\x0e"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM, 8), 0xffffffff00000001);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 8, 8), 2);
	m.e.regs[KL_RSI] = RAM + 8;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x48\x0f\xc7\x0e"), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.vector, KL_EMUL_GP);
	KUNIT_EXPECT_EQ(test, m.e.exception.error_code, 0);
}

/* A register's bit offset leaves the operand, in both directions. */
static void emulate_bit_offsets(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RBX] = RAM + 0x40;
	m.e.rflags = ARITH;
	m.e.regs[KL_RCX] = (u64)-33;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xab\x0b"), KL_EMUL_OK);	/* bts %ecx, (%rbx) */
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 0x38, 8), 0x80000000);
	KUNIT_EXPECT_EQ(test, m.e.rflags, ARITH & ~CF);
	m.e.regs[KL_RCX] = 0x100000043;	/* 32-bit operand: bit 67 */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xbb\x0b"), KL_EMUL_OK);	/* btc */
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 0x48, 8), 8);
	m.e.regs[KL_RCX] = 67;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x48\x0f\xb3\x0b"), KL_EMUL_OK);	/* btr %rcx */
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 0x48, 8), 0);
	KUNIT_EXPECT_EQ(test, m.e.rflags, ARITH);
	/* the immediate does not: btsl $35 is bit 3 */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xba\x2b\x23"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 0x40, 8), 8);
}

static void emulate_stack(struct kunit *test)
{
	m_init(&m, KL_MODE_LONG64);
	m_set_ram(&m, RAM, 0x1122334455667788);
	m.e.regs[KL_RBX] = RAM;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xff\x33"), KL_EMUL_OK);		/* pushq (%rbx) */
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSP], RAM_END - 8);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM_END - 8, 8), 0x1122334455667788);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x66\xff\x33"), KL_EMUL_OK);	/* pushw (%rbx) */
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSP], RAM_END - 10);
	/* popw -18(%rsp): addressed after the increment */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x66\x8f\x44\x24\xee"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSP], RAM_END - 8);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM_END - 26, 2), 0x7788);
	/* popq (%rsp) with nothing behind the stack: RSP stays */
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x8f\x04\x24"), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.cr2, RAM_END);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSP], RAM_END - 8);

	/* A 16-bit stack in 32-bit code: the upper half of ESP is not its business. */
	m_init(&m, KL_MODE_PROT32);
	m.e.segs[KL_SS].db = false;
	m.e.segs[KL_SS].base = RAM - 0xff00;
	m.e.regs[KL_RSP] = 0x12340000;
	m.e.regs[KL_RBX] = RAM;
	m_set_ram(&m, RAM, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xff\x33"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSP], 0x1234fffc);
	KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 0xfc, 4), 0xdeadbeef);
}

struct fault_row {
	const char *what;
	enum kl_mode mode;
	const char *bytes;
	u8 len;
	u8 seg;
	struct kl_emul_seg desc;
	u64 rbx;
	u8 vector;	/* 0: runs */
};

#define FAULT(what, mode, bytes, ...) { what, mode, bytes, sizeof(bytes) - 1, __VA_ARGS__ }
#define LOAD	"\x8b\x03"	/* mov (%rbx), %eax; in 16-bit code (%bp,%di), %ax */
#define STORE	"\x89\x03"
#define P32	KL_MODE_PROT32
#define L64	KL_MODE_LONG64

static const struct fault_row fault_rows[] = {
	FAULT("limit, last byte in", P32, LOAD, KL_DS, { 0, RAM + 3, 3 }, RAM, 0),
	FAULT("limit, last byte out", P32, LOAD, KL_DS, { 0, RAM + 2, 3 }, RAM, KL_EMUL_GP),
	FAULT("offset wraps", P32, LOAD, KL_DS, { 0, U32_MAX, 3 }, 0xfffffffe, KL_EMUL_GP),
	FAULT("read-only data, read", P32, LOAD, KL_DS, { 0, U32_MAX, 1 }, RAM, 0),
	FAULT("read-only data, write", P32, STORE, KL_DS, { 0, U32_MAX, 1 }, RAM, KL_EMUL_GP),
	FAULT("RMW of read-only data", P32, "\x01\x03", KL_DS, { 0, U32_MAX, 1 }, RAM, KL_EMUL_GP),
	FAULT("compare read-only data", P32, "\x39\x03", KL_DS, { 0, U32_MAX, 1 }, RAM, 0),
	FAULT("code, read", P32, "\x2e" LOAD, KL_CS, { 0, U32_MAX, 0xb }, RAM, 0),
	FAULT("execute-only, read", P32, "\x2e" LOAD, KL_CS, { 0, U32_MAX, 9 }, RAM, KL_EMUL_GP),
	FAULT("code, write", P32, "\x2e" STORE, KL_CS, { 0, U32_MAX, 0xb }, RAM, KL_EMUL_GP),
	FAULT("null DS", P32, LOAD, KL_DS, { 0, U32_MAX, 3, .unusable = true }, RAM, KL_EMUL_GP),
	FAULT("null SS", P32, "\x36" LOAD, KL_SS, { 0, U32_MAX, 3, .unusable = true }, RAM,
	      KL_EMUL_SS),
	FAULT("expand-down, below", P32, LOAD, KL_DS, { 0, RAM, 7, true }, RAM, KL_EMUL_GP),
	FAULT("expand-down, above", P32, LOAD, KL_DS, { 0, RAM - 1, 7, true }, RAM, 0),
	FAULT("expand-down, 64K end", P32, LOAD, KL_DS, { 0, 0, 7, false }, 0xfffd, KL_EMUL_GP),
	FAULT("base wraps at 4G", P32, LOAD, KL_DS, { RAM + 0x10, U32_MAX, 3 }, 0xfffffff0, 0),
	FAULT("null DS in 64-bit", L64, LOAD, KL_DS, { 5, 0, 0, .unusable = true }, RAM, 0),
	FAULT("FS base", L64, "\x64" LOAD, KL_FS, { RAM, 0, 0 }, 8, 0),
	FAULT("DS base ignored", L64, LOAD, KL_DS, { RAM, 0, 0 }, 8, KL_EMUL_PF),
	FAULT("not canonical", L64, LOAD, KL_DS, { 0 }, 0x800000000000, KL_EMUL_GP),
	FAULT("end not canonical", L64, LOAD, KL_DS, { 0 }, 0x7ffffffffffd, KL_EMUL_GP),
	FAULT("canonical", L64, LOAD, KL_DS, { 0 }, 0xffff800000000000, KL_EMUL_PF),
	FAULT("not canonical, SS", L64, "\x8b\x04\x1c", KL_DS, { 0 }, 0x800000000000, KL_EMUL_SS),
	FAULT("page fault", L64, LOAD, KL_DS, { 0 }, 0x9000, KL_EMUL_PF),
};

static void emulate_faults(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		int ret;

		m_init(&m, row->mode);
		m.e.regs[KL_RBX] = row->rbx;
		m.e.regs[KL_RAX] = 0x77;
		m.e.segs[row->seg] = row->desc;
		before = m;
		ret = m_run(&m, row->bytes, row->len);
		KUNIT_EXPECT_EQ_MSG(test, ret, row->vector ? KL_EMUL_FAULT : KL_EMUL_OK, "%s",
				    row->what);
		if (!row->vector)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, m.e.exception.vector, row->vector, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, m.e.rip, before.e.rip, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(m.regs, before.regs, sizeof(m.regs)), 0,
				    "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(m.ram, before.ram, RAM_LEN), 0, "%s", row->what);
	}

	/* Real mode: limits hold, types do not, and no error code is pushed. */
	m_init(&m, KL_MODE_REAL);
	m.e.segs[KL_DS].type = 0x9;
	m.e.regs[KL_RSI] = RAM;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x89\x04"), KL_EMUL_OK);		/* mov %ax, (%si) */
	m.e.regs[KL_RSI] = 0xffff;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x89\x04"), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.vector, KL_EMUL_GP);
	KUNIT_EXPECT_FALSE(test, m.e.exception.has_error_code);
	m.e.mode = KL_MODE_VM86;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x89\x04"), KL_EMUL_FAULT);
	KUNIT_EXPECT_TRUE(test, m.e.exception.has_error_code);

	/* 57-bit addresses, alignment checks, an access around 4 GiB, the unknown */
	m_init(&m, KL_MODE_LONG64);
	m.e.la57 = true;
	m.e.regs[KL_RBX] = 0x800000000000;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.vector, KL_EMUL_PF);
	m.e.align_check = true;
	m.e.regs[KL_RBX] = RAM + 2;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.vector, KL_EMUL_AC);
	m_init(&m, KL_MODE_PROT32);
	m.e.segs[KL_DS].base = 0xfffffffe;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_FAIL);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x0f\xa2"), KL_EMUL_FAIL);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x100);
}

static void emulate_string(struct kunit *test)
{
	unsigned int i;

	/* rep movsb, then backwards by words */
	m_init(&m, KL_MODE_LONG64);
	for (i = 0; i < 64; i++)
		m.ram[i] = i;
	m.e.regs[KL_RSI] = RAM;
	m.e.regs[KL_RDI] = RAM + 0x80;
	m.e.regs[KL_RCX] = 64;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xa4"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, memcmp(m.ram, m.ram + 0x80, 64), 0);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSI], RAM + 64);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x102);
	KUNIT_EXPECT_EQ(test, m.e.iterations, 64);
	m.e.rflags |= KL_FLAG_DF;
	m.e.regs[KL_RSI] = RAM + 8;
	m.e.regs[KL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\x66\xf3\xad"), KL_EMUL_OK);	/* rep lodsw */
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSI], RAM + 4);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RAX], 0x0706);

	/* count 0 does nothing and moves on */
	m.e.rip = 0x100;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xab"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x102);
	KUNIT_EXPECT_EQ(test, m.e.iterations, 0);

	/* repe cmpsb stops behind the difference, repne scasb behind the match */
	m.e.rflags = 2;
	m.ram[0x80 + 5] = 0xff;
	m.e.regs[KL_RSI] = RAM;
	m.e.regs[KL_RDI] = RAM + 0x80;
	m.e.regs[KL_RCX] = 64;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xa6"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 58);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSI], RAM + 6);
	KUNIT_EXPECT_FALSE(test, m.e.rflags & ZF);
	m.e.regs[KL_RDI] = RAM;
	m.e.regs[KL_RCX] = 64;
	m.e.regs[KL_RAX] = 0x1110;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf2\xae"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RDI], RAM + 0x11);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 64 - 0x11);
	KUNIT_EXPECT_TRUE(test, m.e.rflags & ZF);

	/* 16-bit addresses wrap and leave the upper halves alone */
	m_init(&m, KL_MODE_REAL);
	m.e.segs[KL_ES].base = RAM;
	m.e.regs[KL_RDI] = 0xabcd0000 | 0xfffe;
	m.e.regs[KL_RCX] = 0xabcd0000 | 3;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xab"), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.e.exception.cr2, RAM + 0xfffe);
	m.e.segs[KL_ES].base = RAM - 0xff80;
	m.e.regs[KL_RDI] = 0xabcd0000 | 0xffe0;
	m.e.regs[KL_RCX] = 0xabcd0000 | 0x10;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xab"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RDI], 0xabcd0000);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 0xabcd0000);
}

/* rep movsl MMIO → RAM: every element leaves and returns, none is read twice. */
static void emulate_string_mmio(struct kunit *test)
{
	unsigned int i;

	m_init(&m, KL_MODE_PROT32);
	m.e.regs[KL_RSI] = MMIO;
	m.e.regs[KL_RDI] = RAM;
	m.e.regs[KL_RCX] = 3;
	for (i = 0; i < 3; i++) {
		m.logged = 0;
		KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xa5"), KL_EMUL_IO);
		KUNIT_EXPECT_EQ(test, m.pending, MMIO + 4 * i);
		KUNIT_EXPECT_EQ(test, m.e.iterations, 0);
		m_answer(&m, 0x1000 + i);
		KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xa5"), KL_EMUL_OK);
		KUNIT_EXPECT_EQ(test, m.e.iterations, 1);
		KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 2 - i);
		KUNIT_EXPECT_EQ(test, m.e.rip, i == 2 ? 0x102 : 0x100);
		KUNIT_EXPECT_EQ(test, !!(m.e.rflags & KL_FLAG_RF), i != 2);
		KUNIT_EXPECT_EQ(test, m_ram(&m, RAM + 4 * i, 4), 0x1000 + i);
	}

	/* cmpsb with MMIO on both sides needs two answers, in order */
	m_init(&m, KL_MODE_PROT32);
	m.e.regs[KL_RSI] = MMIO;
	m.e.regs[KL_RDI] = MMIO + 0x20;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xa6"), KL_EMUL_IO);
	KUNIT_EXPECT_EQ(test, m.pending, MMIO);
	m_answer(&m, 2);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xa6"), KL_EMUL_IO);
	KUNIT_EXPECT_EQ(test, m.pending, MMIO + 0x20);
	m_answer(&m, 1);
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xa6"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.rflags & ARITH, 0);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RSI], MMIO + 1);

	/* writes pile up until the callback says enough; then a fault ends the run */
	m_init(&m, KL_MODE_PROT32);
	m.yield_on_io = false;
	m.e.regs[KL_RDI] = MMIO;
	m.e.regs[KL_RCX] = 100;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xaa"), KL_EMUL_FAULT);
	KUNIT_EXPECT_EQ(test, m.queued, ARRAY_SIZE(m.queue));
	KUNIT_EXPECT_EQ(test, m.e.iterations, ARRAY_SIZE(m.queue));
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 100 - ARRAY_SIZE(m.queue));
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x100);
}

static void emulate_flow(struct kunit *test)
{
	/* TF: a trap is due after each instruction, and after each iteration */
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RBX] = RAM;
	m.e.rflags |= KL_FLAG_TF | KL_FLAG_RF;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_OK);
	KUNIT_EXPECT_TRUE(test, m.e.trap);
	KUNIT_EXPECT_EQ(test, m.e.rflags, KL_FLAG_TF | 2);
	m.e.regs[KL_RDI] = RAM;
	m.e.regs[KL_RCX] = 5;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\xaa"), KL_EMUL_OK);
	KUNIT_EXPECT_TRUE(test, m.e.trap);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], 4);
	m.e.regs[KL_RBX] = MMIO;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_IO);
	KUNIT_EXPECT_FALSE(test, m.e.trap);

	/* a batch is bounded, whatever the guest's count: overwrite the same byte */
	m_init(&m, KL_MODE_LONG64);
	m.e.regs[KL_RSI] = RAM;
	m.e.regs[KL_RCX] = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\x48\xad"), KL_EMUL_FAULT);	/* runs off RAM */
	KUNIT_EXPECT_EQ(test, m.e.iterations, RAM_LEN / 8);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RCX], ~0ULL - RAM_LEN / 8);

	/* RIP is 32 bits wide outside 64-bit mode */
	m_init(&m, KL_MODE_PROT32);
	m.e.rip = 0xffffffff;
	m.e.regs[KL_RBX] = RAM;
	KUNIT_EXPECT_EQ(test, RUN(&m, LOAD), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.rip, 1);
}

static int endless_write(struct kl_emul *e, u64 linear, const void *data, unsigned int bytes)
{
	return KL_EMUL_OK;
}

static void emulate_batch_limit(struct kunit *test)
{
	static const struct kl_emul_ops ops = { .write = endless_write };

	m_init(&m, KL_MODE_LONG64);
	m.e.ops = &ops;
	m.e.regs[KL_RCX] = ~0ULL;
	KUNIT_EXPECT_EQ(test, RUN(&m, "\xf3\x48\xab"), KL_EMUL_OK);
	KUNIT_EXPECT_EQ(test, m.e.iterations, KL_EMUL_REP_BYTES / 8);
	KUNIT_EXPECT_EQ(test, m.e.regs[KL_RDI], KL_EMUL_REP_BYTES);
	KUNIT_EXPECT_EQ(test, m.e.rip, 0x100);
	KUNIT_EXPECT_TRUE(test, m.e.rflags & KL_FLAG_RF);
}

/* Each condition against all flags it could look at, to and from MMIO. */
static void emulate_conditions(struct kunit *test)
{
	static const u64 bits[] = {
		KL_FLAG_CF, KL_FLAG_PF, KL_FLAG_ZF, KL_FLAG_SF, KL_FLAG_OF,
	};
	/* Which of the 32 combinations of the above make the even conditions true. */
	static const u32 truth[8] = {
		0xffff0000, 0xaaaaaaaa, 0xf0f0f0f0, 0xfafafafa,
		0xff00ff00, 0xcccccccc, 0x00ffff00, 0xf0fffff0,
	};
	u8 setcc[] = "\x0f\x90\x03", cmov[] = "\x0f\x40\x03";
	unsigned int cond, i, b;
	u64 flags;
	bool met;

	for (cond = 0; cond < 16; cond++) {
		for (i = 0; i < 32; i++) {
			flags = 2;
			for (b = 0; b < 5; b++)
				flags |= i & BIT(b) ? bits[b] : 0;
			met = (truth[cond >> 1] >> i & 1) != (cond & 1);

			m_init(&m, KL_MODE_LONG64);
			m.e.rflags = flags;
			m.e.regs[KL_RBX] = MMIO;
			setcc[1] = 0x90 + cond;
			KUNIT_EXPECT_EQ(test, m_run(&m, (char *)setcc, 3), KL_EMUL_OK);
			KUNIT_EXPECT_EQ(test, m.queued, 1);
			KUNIT_EXPECT_EQ_MSG(test, m.queue[0].val, met, "set %u, flags %llx",
					    cond, flags);
			KUNIT_EXPECT_EQ(test, m.e.rflags, flags);

			m_init(&m, KL_MODE_LONG64);
			m.e.rflags = flags;
			m.e.regs[KL_RBX] = MMIO;
			m.e.regs[KL_RAX] = 0x1234567890abcdef;
			cmov[1] = 0x40 + cond;
			KUNIT_EXPECT_EQ(test, m_run(&m, (char *)cmov, 3), KL_EMUL_IO);
			KUNIT_EXPECT_EQ(test, m.pending, MMIO);
			m_answer(&m, 0x55aa55aa);
			KUNIT_EXPECT_EQ(test, m_run(&m, (char *)cmov, 3), KL_EMUL_OK);
			KUNIT_EXPECT_EQ_MSG(test, m.e.regs[KL_RAX],
					    met ? 0x55aa55aa : 0x90abcdef,
					    "cmov %u, flags %llx", cond, flags);
		}
	}
}

static struct kunit_case emulate_cases[] = {
	KUNIT_CASE(emulate_conditions),
	KUNIT_CASE(emulate_alu),
	KUNIT_CASE(emulate_mmio_read),
	KUNIT_CASE(emulate_mmio_write),
	KUNIT_CASE(emulate_mmio_rmw),
	KUNIT_CASE(emulate_exchange),
	KUNIT_CASE(emulate_cmpxchg8b),
	KUNIT_CASE(emulate_bit_offsets),
	KUNIT_CASE(emulate_stack),
	KUNIT_CASE(emulate_faults),
	KUNIT_CASE(emulate_string),
	KUNIT_CASE(emulate_string_mmio),
	KUNIT_CASE(emulate_flow),
	KUNIT_CASE(emulate_batch_limit),
	{}
};

static struct kunit_suite emulate_suite = {
	.name = "kvmlite_emulate",
	.test_cases = emulate_cases,
};

kunit_test_suite(emulate_suite);
