// SPDX-License-Identifier: GPL-2.0
/*
 * Hardware task switches, which VT-x leaves to the hypervisor (SDM vol. 3, 8.3
 * and 26.4.2).
 *
 * Up to kl_task_commit() a fault is the old task's and nothing has changed but
 * the old task's TSS; from there on it is the new task's.
 */

#include <linux/kvm.h>
#include <asm/desc.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <uapi/asm/debugreg.h>

#include "../exit.h"
#include "../regs.h"
#include "insn.h"
#include "vmx.h"

/* What caused it: bits 31:30 of the exit qualification. */
enum kl_task_source { KL_TASK_CALL, KL_TASK_IRET, KL_TASK_JMP, KL_TASK_GATE };

#define KL_TASK_BUSY	BIT(1)		/* of the TSS's type */
#define KL_TASK_32	BIT(3)
#define KL_TASK_SEGS	6
#define KL_TASK_FLAGS	0x3f7fd5UL	/* what EFLAGS has (SDM vol. 1, 3.4.3) */
#define KL_DR7_LOCAL	0x155UL		/* L0…L3, LE */

/* The two layouts: figures 8-2 and 8-10. */
struct kl_tss32 {
	u32 link, stacks[6], cr3;
	u32 ip, flags, reg[8], seg[KL_TASK_SEGS];
	u32 ldt;
	u16 trap, io_map;
};

struct kl_tss16 {
	u16 link, stacks[6];
	u16 ip, flags, reg[8], seg[KL_TASK_SEGS - 2];
	u16 ldt;
};

static_assert(sizeof(struct kl_tss32) == 104 && sizeof(struct kl_tss16) == 44);

/**
 * struct kl_task - a switch under way
 * @vcpu: the vCPU
 * @old: the task register
 * @new: the same for the new task; type and base of its descriptor
 * @tss: what the new TSS holds, of either layout
 */
struct kl_task {
	struct kl_vcpu *vcpu;
	struct kvm_segment old, new;
	struct kl_tss32 tss;
};

/* Memory as the CPU sees it. 0; 1 with the page fault queued; -EFAULT. */
static int kl_task_access(struct kl_vcpu *vcpu, u64 la, void *data, unsigned int len,
			  bool write, u32 access)
{
	struct kl_exception fault;
	int ret;

	access |= KL_ACCESS_SET_AD;
	ret = write ? kl_gva_write(vcpu, la, data, len, access, &fault) :
		      kl_gva_read(vcpu, la, data, len, access, &fault);
	if (ret == 1)
		kl_queue_page_fault(vcpu, fault.payload, fault.error_code);
	return ret;
}

static int kl_task_read(struct kl_vcpu *vcpu, u64 la, void *data, unsigned int len)
{
	return kl_task_access(vcpu, la, data, len, false, KL_ACCESS_IMPLICIT);
}

static int kl_task_write(struct kl_vcpu *vcpu, u64 la, void *data, unsigned int len)
{
	return kl_task_access(vcpu, la, data, len, true, KL_ACCESS_IMPLICIT);
}

static int kl_task_fault(struct kl_vcpu *vcpu, u8 vector, u32 error_code)
{
	kl_queue_exception_e(vcpu, vector, error_code);
	return 1;
}

/* Where @sel's descriptor lies. false: outside its table. */
static bool kl_task_find(struct kl_vcpu *vcpu, u16 sel, u64 *la)
{
	struct kvm_segment ldt;
	struct kvm_dtable gdt;

	if (sel & 4) {
		kl_ops->get_segment(vcpu, KL_SEG_LDTR, &ldt);
		*la = (u32)(ldt.base + (sel & ~7));
		return !ldt.unusable && (sel | 7) <= ldt.limit;
	}
	kl_ops->get_gdt(vcpu, &gdt);
	*la = gdt.base + (sel & ~7);
	return (sel | 7) <= gdt.limit;
}

static void kl_task_decode(struct kvm_segment *s, const struct desc_struct *d)
{
	s->base = get_desc_base(d);
	s->limit = get_desc_limit(d);
	if (d->g)
		s->limit = s->limit << 12 | 0xfff;
	s->type = d->type;
	s->s = d->s;
	s->dpl = d->dpl;
	s->present = d->p;
	s->avl = d->avl;
	s->db = d->d;
	s->g = d->g;
}

/* The type of the TSS at @sel, with the busy bit as it is to be. */
static int kl_task_set_busy(struct kl_vcpu *vcpu, u16 sel, bool busy)
{
	u8 type;
	u64 la;
	int ret;

	if (!kl_task_find(vcpu, sel, &la))
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	ret = kl_task_read(vcpu, la + 5, &type, 1);
	if (ret)
		return ret;
	type = busy ? type | KL_TASK_BUSY : type & ~KL_TASK_BUSY;
	return kl_task_write(vcpu, la + 5, &type, 1);
}

static int kl_task_read_new(struct kl_task *t, u16 sel, bool busy)
{
	struct kl_vcpu *vcpu = t->vcpu;
	struct kl_tss32 *tss = &t->tss;
	struct desc_struct d;
	struct kl_tss16 small;
	int i, ret;
	u64 la;

	if ((sel & 4) || !kl_task_find(vcpu, sel, &la))
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	ret = kl_task_read(vcpu, la, &d, sizeof(d));
	if (ret)
		return ret;
	kl_task_decode(&t->new, &d);
	t->new.selector = sel;
	/* The CPU saw an available or busy TSS; it may be another by now. */
	if (d.s || (d.type & ~KL_TASK_32) != (busy ? 1 | KL_TASK_BUSY : 1))
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	if (!d.p)
		return kl_task_fault(vcpu, X86_TRAP_NP, sel & ~3);
	if (t->new.limit < (d.type & KL_TASK_32 ? sizeof(*tss) : sizeof(small)) - 1)
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	if (d.type & KL_TASK_32)
		return kl_task_read(vcpu, t->new.base, tss, sizeof(*tss));

	ret = kl_task_read(vcpu, t->new.base, &small, sizeof(small));
	if (ret)
		return ret;
	tss->ip = small.ip;
	tss->flags = small.flags;
	for (i = 0; i < 8; i++)
		tss->reg[i] = small.reg[i];
	for (i = 0; i < ARRAY_SIZE(small.seg); i++)
		tss->seg[i] = small.seg[i];
	tss->ldt = small.ldt;
	return 0;
}

/* Instruction pointer, flags, registers and segments: the rest is static. */
static int kl_task_save_old(struct kl_task *t, u32 ip, u32 flags)
{
	struct kl_vcpu *vcpu = t->vcpu;
	struct kl_tss32 tss = { .ip = ip, .flags = flags };
	struct kl_tss16 small = { .ip = ip, .flags = flags };
	struct kvm_segment s;
	int i;

	for (i = 0; i < 8; i++) {
		tss.reg[i] = kl_reg_read(vcpu, KL_REG_RAX + i);
		small.reg[i] = tss.reg[i];
	}
	for (i = 0; i < KL_TASK_SEGS; i++) {
		kl_ops->get_segment(vcpu, KL_SEG_ES + i, &s);
		tss.seg[i] = s.selector;
		if (i < ARRAY_SIZE(small.seg))
			small.seg[i] = s.selector;
	}
	if (t->old.type & KL_TASK_32)
		return kl_task_write(vcpu, t->old.base + offsetof(struct kl_tss32, ip),
				     &tss.ip, offsetof(struct kl_tss32, ldt) -
				     offsetof(struct kl_tss32, ip));
	return kl_task_write(vcpu, t->old.base + offsetof(struct kl_tss16, ip),
			     &small.ip, offsetof(struct kl_tss16, ldt) -
			     offsetof(struct kl_tss16, ip));
}

static bool kl_task_seg_ok(enum kl_seg seg, u16 sel, u8 cpl, const struct desc_struct *d)
{
	switch (seg) {
	case KL_SEG_LDTR:
		return !d->s && d->type == 2;
	case KL_SEG_CS:
		return d->s && (d->type & 8) &&
		       (d->type & 4 ? d->dpl <= cpl : d->dpl == cpl);
	case KL_SEG_SS:
		return d->s && (d->type & 0xa) == 2 && d->dpl == cpl &&
		       (sel & 3) == cpl;
	default:
		return d->s && (d->type & 0xa) != 8 &&
		       ((d->type & 0xc) == 0xc || d->dpl >= max_t(u8, cpl, sel & 3));
	}
}

/* The checks of table 8-1. */
static int kl_task_load_seg(struct kl_vcpu *vcpu, enum kl_seg seg, u16 sel, u8 cpl)
{
	struct kvm_segment s = { .selector = sel, .unusable = 1 };
	struct desc_struct d;
	u8 vector, access;
	u64 la;
	int ret;

	if (!(sel & ~3) && seg != KL_SEG_CS && seg != KL_SEG_SS) {
		kl_ops->set_segment(vcpu, seg, &s);
		return 0;
	}
	if (!(sel & ~3) || (seg == KL_SEG_LDTR && (sel & 4)) ||
	    !kl_task_find(vcpu, sel, &la))
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	ret = kl_task_read(vcpu, la, &d, sizeof(d));
	if (ret)
		return ret;
	if (!kl_task_seg_ok(seg, sel, cpl, &d))
		return kl_task_fault(vcpu, X86_TRAP_TS, sel & ~3);
	if (!d.p) {
		vector = seg == KL_SEG_SS ? X86_TRAP_SS :
			 seg == KL_SEG_LDTR ? X86_TRAP_TS : X86_TRAP_NP;
		return kl_task_fault(vcpu, vector, sel & ~3);
	}
	if (d.s && !(d.type & 1)) {
		d.type |= 1;
		access = ((u8 *)&d)[5];
		ret = kl_task_write(vcpu, la + 5, &access, 1);
		if (ret)
			return ret;
	}
	s.unusable = 0;
	kl_task_decode(&s, &d);
	kl_ops->set_segment(vcpu, seg, &s);
	return 0;
}

/*
 * What a segment is until it is loaded, and what an entry takes should one of
 * them fault; in virtual-8086 mode there is no more to it.
 */
static void kl_task_preset_segs(struct kl_task *t, bool v86, u8 cpl)
{
	int i;

	for (i = 0; i < KL_TASK_SEGS; i++) {
		struct kvm_segment s = {
			.selector = t->tss.seg[i],
			.type = !v86 && i == KL_SEG_CS ? 11 : 3,
			.s = 1, .dpl = cpl, .present = 1,
			.db = !v86, .g = !v86,
			.base = v86 ? (u16)t->tss.seg[i] << 4 : 0,
			.limit = v86 ? 0xffff : 0xffffffff,
		};

		kl_ops->set_segment(t->vcpu, KL_SEG_ES + i, &s);
	}
}

/* The new task's registers; no way back. */
static void kl_task_commit(struct kl_task *t, u32 flags)
{
	struct kl_vcpu *vcpu = t->vcpu;
	int i;

	t->new.type |= KL_TASK_BUSY;
	kl_ops->set_segment(vcpu, KL_SEG_TR, &t->new);
	kl_ops->set_cr0(vcpu, kl_cr0(vcpu) | X86_CR0_TS);
	kl_set_dr(vcpu, 7, vcpu->dr7 & ~KL_DR7_LOCAL);
	kl_rip_write(vcpu, t->tss.ip);
	/* As IRET: what is reserved is not looked at. */
	kl_rflags_write(vcpu, (flags & KL_TASK_FLAGS) | X86_EFLAGS_FIXED);
	for (i = 0; i < 8; i++)
		kl_reg_write(vcpu, KL_REG_RAX + i, t->tss.reg[i]);
	kl_ops->set_shadow(vcpu, 0);
	kl_request(vcpu, KL_REQ_EVENT);
}

static int kl_task_load_new(struct kl_task *t, bool v86)
{
	static const u8 order[] = {
		KL_SEG_CS, KL_SEG_SS, KL_SEG_DS, KL_SEG_ES, KL_SEG_FS, KL_SEG_GS,
	};
	struct kl_vcpu *vcpu = t->vcpu;
	u8 cpl = v86 ? 3 : t->tss.seg[KL_SEG_CS] & 3;
	int i, ret;

	kl_task_preset_segs(t, v86, cpl);
	if ((t->new.type & KL_TASK_32) && kl_is_paging(vcpu) &&
	    kl_set_cr3(vcpu, t->tss.cr3))
		return kl_task_fault(vcpu, X86_TRAP_GP, 0);
	ret = kl_task_load_seg(vcpu, KL_SEG_LDTR, t->tss.ldt, 0);
	for (i = 0; !ret && !v86 && i < ARRAY_SIZE(order); i++)
		ret = kl_task_load_seg(vcpu, order[i], t->tss.seg[order[i]], cpl);
	return ret;
}

/* SDM vol. 3, 5.3: an expand-down segment is what lies above the limit. */
static bool kl_task_may_push(const struct kvm_segment *ss, u32 offset, unsigned int size)
{
	u64 last = (u64)offset + size - 1;

	if ((ss->type & 0xc) == 4)
		return offset > ss->limit && last <= (ss->db ? ~0U : 0xffff);
	return last <= ss->limit;
}

static int kl_task_push(struct kl_task *t, u32 value)
{
	unsigned int size = t->new.type & KL_TASK_32 ? 4 : 2;
	struct kl_vcpu *vcpu = t->vcpu;
	u32 sp = kl_reg_read(vcpu, KL_REG_RSP), mask;
	struct kvm_segment ss;

	kl_ops->get_segment(vcpu, KL_SEG_SS, &ss);
	mask = ss.db ? ~0U : 0xffff;
	sp = (sp & ~mask) | ((sp - size) & mask);
	if (!kl_task_may_push(&ss, sp & mask, size))
		return kl_task_fault(vcpu, X86_TRAP_SS, 0);
	kl_reg_write(vcpu, KL_REG_RSP, sp);
	return kl_task_access(vcpu, (u32)(ss.base + (sp & mask)), &value, size, true,
			      kl_cpl_access(vcpu));
}

/* SDM vol. 3, 6.13: not of the program's making. */
static bool kl_task_is_external(enum kl_task_source source, u32 event)
{
	u32 type = event & INTR_INFO_INTR_TYPE_MASK;

	return source == KL_TASK_GATE && event && type != INTR_TYPE_SOFT_INTR &&
	       type != INTR_TYPE_SOFT_EXCEPTION;
}

/* Faults of the switch name a selector, or nothing; bit 0 says whose event led there. */
static void kl_task_mark_external(struct kl_vcpu *vcpu)
{
	struct kl_exception *ex = &vcpu->events.exception;

	if (ex->pending && ex->vector >= X86_TRAP_TS && ex->vector <= X86_TRAP_GP)
		ex->error_code |= 1;
}

static int kl_task_switch(struct kl_vcpu *vcpu, u16 sel, enum kl_task_source source,
			  u32 event)
{
	bool nested = source == KL_TASK_CALL || source == KL_TASK_GATE;
	u32 ip = kl_rip_read(vcpu), flags = kl_rflags_read(vcpu);
	u32 type = event & INTR_INFO_INTR_TYPE_MASK, code = 0;
	struct kl_task t = { .vcpu = vcpu };
	u16 link;
	int ret;

	/*
	 * These a CPU has taken before it looks at the task: what goes wrong there
	 * is the guest's next event, not this one once more.
	 */
	if (source == KL_TASK_GATE && event &&
	    (type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR)) {
		kl_clear_injected(vcpu);
		if (type == INTR_TYPE_NMI_INTR)
			kl_vmx_set_nmi_mask(vcpu, true);
	}
	kl_ops->get_segment(vcpu, KL_SEG_TR, &t.old);
	ret = kl_task_read_new(&t, sel, source == KL_TASK_IRET);
	if (ret)
		return ret;
	/* Where the old task goes on: behind an instruction that wanted this. */
	if (source != KL_TASK_GATE || type == INTR_TYPE_SOFT_INTR ||
	    type == INTR_TYPE_SOFT_EXCEPTION || type == INTR_TYPE_PRIV_SW_EXCEPTION)
		ip += kl_vmread(VM_EXIT_INSTRUCTION_LEN);
	ret = kl_task_save_old(&t, ip, source == KL_TASK_IRET ?
			       flags & ~X86_EFLAGS_NT : flags);
	if (!ret && !nested)
		ret = kl_task_set_busy(vcpu, t.old.selector, false);
	if (!ret && source != KL_TASK_IRET)
		ret = kl_task_set_busy(vcpu, sel, true);
	link = t.old.selector;
	if (!ret && nested)
		ret = kl_task_write(vcpu, t.new.base, &link, sizeof(link));
	if (ret)
		return ret;

	/* The event that led here is being handled. */
	if (event & INTR_INFO_DELIVER_CODE_MASK)
		code = vcpu->events.exception.error_code;
	kl_clear_injected(vcpu);
	if (source == KL_TASK_IRET)
		kl_vmx_set_nmi_mask(vcpu, false);

	if (!(t.new.type & KL_TASK_32))
		t.tss.flags |= flags & 0xffff0000 & ~(X86_EFLAGS_VM | X86_EFLAGS_RF);
	kl_task_commit(&t, nested ? t.tss.flags | X86_EFLAGS_NT : t.tss.flags);
	ret = kl_task_load_new(&t, t.tss.flags & X86_EFLAGS_VM);
	if (!ret && (event & INTR_INFO_DELIVER_CODE_MASK))
		ret = kl_task_push(&t, code);
	if (!ret && (t.tss.trap & 1))
		kl_queue_exception_p(vcpu, X86_TRAP_DB, DR_SWITCH);
	return ret;
}

/* 1: the guest goes on, in the new task or with a fault; -EFAULT: a TSS in no memory. */
int kl_vmx_task_switch(struct kl_vcpu *vcpu)
{
	u64 qual = kl_vmread(EXIT_QUALIFICATION);
	enum kl_task_source source = (qual >> 30) & 3;
	u32 event = source == KL_TASK_GATE ? to_vmx(vcpu)->idt_info : 0;
	int ret;

	ret = kl_task_switch(vcpu, qual, source, event);
	if (ret == 1 && kl_task_is_external(source, event))
		kl_task_mark_external(vcpu);
	return ret < 0 ? ret : 1;
}
