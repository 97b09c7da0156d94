/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtual machines for tests: memory, vCPUs in the mode wanted, and guest code
 * that is assembled into the test itself.
 *
 * Everything the guest needs lies below GPA_STACK, at fixed places, identity
 * mapped, so that guest code can name addresses as constants.
 */
#ifndef SELFTESTS_VM_H
#define SELFTESTS_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "kvm_compat.h"
#include "test.h"

#define GPA_GDT		0x1000UL
#define GPA_IDT		0x2000UL
#define GPA_PML4	0x3000UL	/* 4 levels, 2M pages, 4 GiB: 6 pages */
#define GPA_PDPT	0x4000UL
#define GPA_PD		0x5000UL
#define GPA_PD32	0x9000UL	/* 32-bit paging with 4M pages */
#define GPA_TSS		0xa000UL
#define GPA_EXC		0xb000UL	/* struct guest_exc */
#define GPA_DATA	0xc000UL	/* the test's own page */
#define GPA_STUBS	0xd000UL	/* 256 exception entries, 16 bytes each */
#define GPA_STACK16	0xfff0UL
#define GPA_CODE	0x10000UL
#define GPA_STACK	0x80000UL
#define GPA_FREE	0x100000UL	/* from here the test's own */
#define VM_MEM		0x200000UL	/* what vm_new() gives */
#define GPA_MMIO	0xd0000000UL	/* never in a slot */

#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define SEL_TSS		0x18
#define SEL_CODE32	0x28

/*
 * What the exception entries of a long-mode guest write down. After that they
 * resume at %r15, or, when that is zero, at the interrupted instruction.
 */
struct guest_exc {
	uint64_t count;
	uint64_t vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cr2;
	uint64_t rflags;
	uint64_t cs;
	uint64_t rsp;
	uint64_t eoi;		/* if not 0: tell the local APIC (not x2) */
	uint64_t pad[7];
	uint32_t counts[256];	/* by vector */
};

struct vm {
	int fd;
	uint8_t *mem;		/* the memory of slot 0, at GPA 0 */
	size_t size;
};

struct vcpu {
	int fd;
	struct vm *vm;
	struct kvm_run *run;
	size_t run_size;
};

/* GUEST(64, name, "…"): code for 16, 32 or 64 bits, as bytes at name. */
#define GUEST(bits, name, code)						\
	extern const uint8_t name[], name##_end[];			\
	__asm__(".pushsection .rodata\n"				\
		".code" #bits "\n"					\
		#name ":\n"						\
		code							\
		"\n" #name "_end:\n"						\
		".code64\n"						\
		".popsection\n")

#define load_guest(vm, gpa, name) \
	memcpy((vm)->mem + (gpa), name, (size_t)(name##_end - (name)))

int kvm_open(void);
int kvm_cap(int fd, int cap);
/* vm_enable() - KVM_ENABLE_CAP. Return: what ioctl() does. */
int vm_enable(struct vm *vm, uint32_t cap, uint64_t arg);

struct vm *vm_new(void);
struct vm *vm_new_size(size_t size);
struct vm *vm_bare(void);
int vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	    uint64_t size, void *hva);
void *mem_alloc(size_t size);
void vm_free(struct vm *vm);
void vcpu_free(struct vcpu *v);

struct vcpu *vcpu_new(struct vm *vm, uint32_t id);
void vcpu_cpuid(struct vcpu *v);
void vcpu_real(struct vcpu *v);
void vcpu_prot(struct vcpu *v);
void vcpu_long(struct vcpu *v);

/* A VM with one vCPU in the mode of the code, which it will run. */
struct vcpu *guest_bytes(int bits, const uint8_t *code, size_t len);
#define guest(bits, name) \
	guest_bytes(bits, name, (size_t)(name##_end - (name)))

struct kvm_regs get_regs(struct vcpu *v);
void set_regs(struct vcpu *v, const struct kvm_regs *regs);
struct kvm_sregs get_sregs(struct vcpu *v);
void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs);
int get_msr(struct vcpu *v, uint32_t index, uint64_t *value);
int set_msr(struct vcpu *v, uint32_t index, uint64_t value);

int vcpu_run(struct vcpu *v);
const char *exit_name(uint32_t reason);
void run_to(struct vcpu *v, uint32_t reason, const char *file, int line);
#define RUN_TO(v, reason) run_to(v, reason, __FILE__, __LINE__)
void run_to_out(struct vcpu *v, uint16_t port, uint32_t value,
		const char *file, int line);
/* The next exit must be this OUT of one element. */
#define RUN_TO_OUT(v, port, value) \
	run_to_out(v, port, value, __FILE__, __LINE__)
static inline void *io_data(struct vcpu *v)
{
	return (uint8_t *)v->run + v->run->io.data_offset;
}

struct guest_exc *guest_exc(struct vcpu *v);
#define guest_data(v, type) ((volatile type *)((v)->vm->mem + GPA_DATA))
/* Does a guest count on at GPA_DATA? Waits for @turns more. */
bool guest_progress(struct vcpu *v, uint64_t turns);
void idt_gate(struct vm *vm, unsigned int vector, uint64_t gpa);

/* is_kvmlite() - false for the kernel's KVM, the reference of these tests. */
bool is_kvmlite(void);

/* errno of a call that does not exist: KVM's differs from one fd to the other. */
#define NO_CALL(kvm) (is_kvmlite() ? ENOTTY : (kvm))

/* host_is_amd() - which backend must be behind the device. */
bool host_is_amd(void);

/* host_is_tcg() - QEMU's emulated CPU, whose checks are not all there. */
bool host_is_tcg(void);
/* host_is_bochs() - Bochs' emulated CPU */
bool host_is_bochs(void);

/* A thread that runs a vCPU until it exits for anything but a signal. */
struct runner {
	pthread_t thread;
	struct vcpu *v;
	volatile int stop;
	volatile int done;
	int result;			/* of the last KVM_RUN: 0 or -errno */
	unsigned long interrupted;	/* EINTR seen */
};

void runner_start(struct runner *r, struct vcpu *v);
void runner_kick(struct runner *r);
/* runner_join() - wait for the exit; runner_stop() - kick it out first. */
void runner_join(struct runner *r);
void runner_stop(struct runner *r);

/* catch_signal() - a handler that does nothing, without SA_RESTART. */
void catch_signal(int sig);
uint64_t now_ns(void);
void sleep_ms(unsigned int ms);

/* await() - wait up to half a minute for something another thread does. */
#define await(cond)							\
	({								\
		uint64_t __end = now_ns() + 30000000000ULL;		\
		bool __ok;						\
									\
		while (!(__ok = (cond)) && now_ns() < __end)		\
			sleep_ms(1);					\
		__ok;							\
	})

#endif
