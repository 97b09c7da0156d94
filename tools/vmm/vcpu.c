// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU: its state at power-on, its thread, and what to do on each exit.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "cpuid.h"
#include "vm.h"

/* Gets a thread out of KVM_RUN. */
#define SIG_KICK	SIGUSR1

#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLE		BIT(11)
#define MTRR_WB			6
#define F1_EDX_MTRR		BIT(12)

#define CR0_PE		BIT_ULL(0)
#define CR0_ET		BIT_ULL(4)
#define CR0_PG		BIT_ULL(31)
#define CR4_PAE		BIT_ULL(5)
#define EFER_LME	BIT_ULL(8)
#define EFER_LMA	BIT_ULL(10)

#define APIC_LVT0	0x350
#define APIC_LVT1	0x360
#define LVT_EXTINT	0x700
#define LVT_NMI		0x400

static int set_cpuid(struct vcpu *v, const struct kvm_cpuid2 *supported)
{
	struct kvm_cpuid2 *c;
	int ret;

	c = calloc(1, sizeof(*c) + (supported->nent + CPUID_EXTRA) *
		   sizeof(c->entries[0]));
	if (!c)
		return vl_error(ENOMEM, "KVM_SET_CPUID2");
	cpuid_build(c, supported, v->id, v->vm->cfg->cpus,
		    vl_kvm_cap(v->vm->kvm_fd, KVM_CAP_TSC_DEADLINE_TIMER));
	ret = vl_ioctl(v->fd, KVM_SET_CPUID2, c);
	free(c);
	return ret;
}

/* What firmware leaves behind: memory is write-back unless said otherwise. */
static int set_mtrr(struct vcpu *v, const struct kvm_cpuid2 *supported)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(supported, 1);
	struct kvm_msr_entry def_type = {
		.index = MSR_MTRR_DEF_TYPE,
		.data = MTRR_ENABLE | MTRR_WB,
	};

	if (!e || !(e->edx & F1_EDX_MTRR))
		return 0;
	return vl_vcpu_set_msrs(v->fd, &def_type, 1);
}

/* Virtual wire mode: the 8259s by LINT0 of the first CPU, NMI by LINT1. */
static int set_lapic(struct vcpu *v)
{
	struct kvm_lapic_state s;
	u32 lvt0 = LVT_EXTINT, lvt1 = LVT_NMI;
	int ret;

	ret = vl_ioctl(v->fd, KVM_GET_LAPIC, &s);
	if (ret < 0)
		return ret;
	if (!v->id)
		memcpy(s.regs + APIC_LVT0, &lvt0, sizeof(lvt0));
	memcpy(s.regs + APIC_LVT1, &lvt1, sizeof(lvt1));
	return vl_ioctl(v->fd, KVM_SET_LAPIC, &s);
}

/**
 * vcpu_init() - make a vCPU
 * @v: vCPU, zeroed
 * @vm: machine, with its irqchip
 * @id: number
 * @supported: CPUID that the hypervisor supports
 *
 * Return: 0, or -errno; vcpu_exit() is due in both cases.
 */
int vcpu_init(struct vcpu *v, struct vm *vm, unsigned int id,
	      const struct kvm_cpuid2 *supported)
{
	int ret;

	v->vm = vm;
	v->id = id;
	v->fd = vl_vcpu_create(vm->vm_fd, id);
	if (v->fd < 0)
		return v->fd;
	v->run = vl_vcpu_map(vm->kvm_fd, v->fd, &v->run_size);
	if (!v->run)
		return -ENOMEM;

	ret = set_cpuid(v, supported);
	if (ret >= 0)
		ret = set_mtrr(v, supported);
	if (ret >= 0)
		ret = set_lapic(v);
	return ret < 0 ? ret : 0;
}

/**
 * vcpu_exit() - undo vcpu_init()
 * @v: vCPU whose thread is gone
 */
void vcpu_exit(struct vcpu *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->fd >= 0)
		close(v->fd);
}

static struct kvm_segment flat_segment(u16 selector, u8 type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type,
		.present = 1, .s = 1, .g = 1, .l = code, .db = !code,
	};
}

/**
 * vcpu_set_boot_state() - let the first vCPU begin at a kernel's 64-bit entry
 * @v: vCPU 0
 * @boot: where
 */
int vcpu_set_boot_state(struct vcpu *v, const struct boot *boot)
{
	struct kvm_segment data = flat_segment(0x18, 3, false);
	struct kvm_regs regs = {
		.rip = boot->entry,
		.rsi = boot->params,
		.rsp = BOOT_STACK,
		.rflags = 2,
	};
	struct kvm_sregs s;
	int ret;

	ret = vl_ioctl(v->fd, KVM_GET_SREGS, &s);
	if (ret < 0)
		return ret;

	s.cs = flat_segment(0x10, 11, true);
	s.ds = data;
	s.es = data;
	s.fs = data;
	s.gs = data;
	s.ss = data;
	/* VM entry wants a busy TSS, though none is ever used here. */
	s.tr = (struct kvm_segment){ .limit = 0x67, .type = 11, .present = 1 };
	s.ldt = (struct kvm_segment){ .unusable = 1 };
	s.gdt.base = BOOT_GDT;
	s.gdt.limit = 4 * 8 - 1;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = CR0_PE | CR0_ET | CR0_PG;
	s.cr3 = BOOT_PML4;
	s.cr4 = CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;

	ret = vl_ioctl(v->fd, KVM_SET_SREGS, &s);
	if (ret >= 0)
		ret = vl_ioctl(v->fd, KVM_SET_REGS, &regs);
	return ret < 0 ? ret : 0;
}

static void handle_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	u8 *data = (u8 *)run + run->io.data_offset;

	for (u32 i = 0; i < run->io.count; i++, data += run->io.size)
		pio_access(&v->vm->pio, run->io.port, data, run->io.size,
			   run->io.direction == KVM_EXIT_IO_OUT);
}

/* Where it was and what it was about to do, as far as that can be told. */
static void describe_rip(struct vcpu *v, char *buf, size_t size)
{
	struct kvm_regs regs;
	struct kvm_sregs s;
	struct kvm_translation t;
	u8 *code;
	int n;

	*buf = '\0';
	if (ioctl(v->fd, KVM_GET_REGS, &regs) ||
	    ioctl(v->fd, KVM_GET_SREGS, &s))
		return;
	n = snprintf(buf, size, "; rip %#llx cs %#x cr0 %#llx cr3 %#llx cr4 %#llx efer %#llx",
		     (unsigned long long)regs.rip, s.cs.selector,
		     (unsigned long long)s.cr0, (unsigned long long)s.cr3,
		     (unsigned long long)s.cr4, (unsigned long long)s.efer);

	t.linear_address = s.cs.base + regs.rip;
	if (ioctl(v->fd, KVM_TRANSLATE, &t) || !t.valid)
		return;
	code = memory_ptr(&v->vm->mem, t.physical_address, 15);
	if (!code)
		return;
	n += snprintf(buf + n, size - n, " code");
	for (int i = 0; i < 15; i++)
		n += snprintf(buf + n, size - n, " %02x", code[i]);
}

static void handle_internal_error(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	u32 nr = min_t(u32, run->internal.ndata,
		       ARRAY_SIZE(run->internal.data));
	char where[256], data[20 * 17] = "";
	int n = 0;

	describe_rip(v, where, sizeof(where));
	for (u32 i = 0; i < nr; i++)
		n += snprintf(data + n, sizeof(data) - n, " %#llx",
			      (unsigned long long)run->internal.data[i]);
	vm_stop_error(v->vm, "vCPU %u: internal error %u (%s), data%s%s", v->id,
		      run->internal.suberror,
		      run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ?
		      "an instruction it cannot emulate" : "see <linux/kvm.h>",
		      nr ? data : " none", where);
}

static void handle_system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_stop(v->vm, VMM_POWEROFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_stop(v->vm, VMM_RESET);
		break;
	default:
		vm_stop(v->vm, VMM_CRASHED);
	}
}

static void handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	char where[256];

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(v);
		break;
	case KVM_EXIT_MMIO:
		pci_mmio(&v->vm->pci, run->mmio.phys_addr, run->mmio.data,
			 run->mmio.len, run->mmio.is_write);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		vm_stop(v->vm, VMM_CRASHED);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(v);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		handle_internal_error(v);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		describe_rip(v, where, sizeof(where));
		vm_stop_error(v->vm, "vCPU %u: the CPU refused to enter the guest, reason %#llx%s",
			      v->id, (unsigned long long)
			      run->fail_entry.hardware_entry_failure_reason,
			      where);
		break;
	default:
		describe_rip(v, where, sizeof(where));
		vm_stop_error(v->vm, "vCPU %u: unexpected exit %u (%s)%s", v->id,
			      run->exit_reason, vl_exit_name(run->exit_reason),
			      where);
	}
}

static void count_exit(struct vcpu *v, u32 reason)
{
	v->exits[min_t(u32, reason, VCPU_EXITS - 1)]++;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;

	while (!vm_stopping(v->vm)) {
		if (!ioctl(v->fd, KVM_RUN, 0)) {
			count_exit(v, v->run->exit_reason);
			handle_exit(v);
		} else if (errno == EINTR) {
			count_exit(v, KVM_EXIT_INTR);
		} else if (errno != EAGAIN) {
			vm_stop_error(v->vm, "vCPU %u: KVM_RUN: %s", v->id,
				      strerror(errno));
		}
	}
	return NULL;
}

static void on_kick(int sig)
{
	(void)sig;
}

/**
 * vcpu_start() - let a vCPU run
 * @v: vCPU
 */
int vcpu_start(struct vcpu *v)
{
	struct sigaction sa = { .sa_handler = on_kick };
	int ret;

	/* No SA_RESTART: the point is to interrupt. */
	sigaction(SIG_KICK, &sa, NULL);
	ret = pthread_create(&v->thread, NULL, vcpu_thread, v);
	if (ret)
		return vl_error(ret, "thread of vCPU %u", v->id);
	v->started = true;
	return 0;
}

/**
 * vcpu_kick() - make a vCPU see that the VM stops
 * @v: vCPU; vm_stopping() is true
 *
 * A signal that comes before KVM_RUN is entered is remembered by
 * immediate_exit, which nobody takes back.
 */
void vcpu_kick(struct vcpu *v)
{
	if (!v->started)
		return;
	WRITE_ONCE(v->run->immediate_exit, 1);
	pthread_kill(v->thread, SIG_KICK);
}

/**
 * vcpu_join() - wait until a vCPU's thread has ended
 * @v: vCPU
 */
void vcpu_join(struct vcpu *v)
{
	if (v->started)
		pthread_join(v->thread, NULL);
	v->started = false;
}
