// SPDX-License-Identifier: GPL-2.0
#include <cpuid.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vm.h"

extern const uint8_t exc_stubs[], exc_stubs_end[];

int kvm_open(void)
{
	return OK(open(device, O_RDWR | O_CLOEXEC));
}

int kvm_cap(int fd, int cap)
{
	return OK(ioctl(fd, KVM_CHECK_EXTENSION, cap));
}

void *mem_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(p != MAP_FAILED, "mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

int vm_enable(struct vm *vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &c);
}

int vm_slot(struct vm *vm, uint32_t slot, uint32_t flags, uint64_t gpa,
	    uint64_t size, void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

struct vm *vm_bare(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int fd = kvm_open();

	REQUIRE(vm, "out of memory");
	vm->fd = OK(ioctl(fd, KVM_CREATE_VM, 0));
	close(fd);
	/* VT-x without unrestricted guest wants it before the first vCPU. */
	OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL));
	return vm;
}

/* Flat 64-bit and 32-bit code, flat data, and a TSS. */
static void fill_gdt(struct vm *vm)
{
	static const uint64_t gdt[] = {
		[SEL_CODE / 8] = 0x00af9b000000ffffULL,
		[SEL_DATA / 8] = 0x00cf93000000ffffULL,
		[SEL_TSS / 8] = 0x00008b0000000067ULL | GPA_TSS << 16,
		[SEL_CODE32 / 8] = 0x00cf9b000000ffffULL,
	};

	memcpy(vm->mem + GPA_GDT, gdt, sizeof(gdt));
	/* No I/O permission bitmap: it would begin behind the limit. */
	*(uint16_t *)(vm->mem + GPA_TSS + 0x66) = 0x68;
}

static void fill_page_tables(struct vm *vm)
{
	uint64_t *pml4 = (void *)(vm->mem + GPA_PML4);
	uint64_t *pdpt = (void *)(vm->mem + GPA_PDPT);
	uint64_t *pd = (void *)(vm->mem + GPA_PD);
	uint32_t *pd32 = (void *)(vm->mem + GPA_PD32);
	uint64_t i;

	/* Present, writable, user; large in the last level. */
	pml4[0] = GPA_PDPT | 7;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GPA_PD + i * 4096) | 7;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | 0x87;
	for (i = 0; i < 1024; i++)
		pd32[i] = i << 22 | 0x87;
}

void idt_gate(struct vm *vm, unsigned int vector, uint64_t gpa)
{
	uint64_t *gate = (uint64_t *)(vm->mem + GPA_IDT) + 2 * vector;

	gate[0] = (gpa & 0xffff) | (uint64_t)SEL_CODE << 16 | 0x8e00ULL << 32 |
		  (gpa & 0xffff0000) << 32;
	gate[1] = gpa >> 32;
}

struct vm *vm_new_size(size_t size)
{
	struct vm *vm = vm_bare();
	unsigned int i;

	vm->size = size;
	vm->mem = mem_alloc(size);
	OK(vm_slot(vm, 0, 0, 0, size, vm->mem));
	fill_gdt(vm);
	fill_page_tables(vm);
	memcpy(vm->mem + GPA_STUBS, exc_stubs, exc_stubs_end - exc_stubs);
	for (i = 0; i < 256; i++)
		idt_gate(vm, i, GPA_STUBS + 16 * i);
	return vm;
}

struct vm *vm_new(void)
{
	return vm_new_size(VM_MEM);
}

void vm_free(struct vm *vm)
{
	close(vm->fd);
	if (vm->mem)
		munmap(vm->mem, vm->size);
	free(vm);
}

void vcpu_free(struct vcpu *v)
{
	munmap(v->run, v->run_size);
	close(v->fd);
	free(v);
}

struct vcpu *vcpu_new(struct vm *vm, uint32_t id)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	int fd = kvm_open();

	REQUIRE(v, "out of memory");
	v->vm = vm;
	v->run_size = OK(ioctl(fd, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(fd);
	v->fd = OK(ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id));
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	REQUIRE(v->run != MAP_FAILED, "mmap of the vCPU: %s", strerror(errno));
	return v;
}

/*
 * vcpu_cpuid() - give the vCPU everything that is supported. The TSC deadline
 * timer is a capability, because it needs the APIC in the kernel.
 */
void vcpu_cpuid(struct vcpu *v)
{
	struct kvm_cpuid2 *c;
	int fd = kvm_open();
	uint32_t i;

	c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	REQUIRE(c, "out of memory");
	c->nent = 256;
	OK(ioctl(fd, KVM_GET_SUPPORTED_CPUID, c));
	for (i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 1 &&
		    kvm_cap(fd, KVM_CAP_TSC_DEADLINE_TIMER))
			c->entries[i].ecx |= 1 << 24;
	}
	OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	free(c);
	close(fd);
}

static struct kvm_segment flat(uint16_t selector, uint8_t type, int l, int db)
{
	return (struct kvm_segment) {
		.selector = selector,
		.limit = 0xffffffff,
		.type = type,
		.present = 1,
		.s = 1,
		.g = 1,
		.l = l,
		.db = db,
	};
}

static void start_at(struct vcpu *v, uint64_t rip, uint64_t rsp)
{
	struct kvm_regs regs = { .rip = rip, .rsp = rsp, .rflags = 2 };

	set_regs(v, &regs);
}

void vcpu_real(struct vcpu *v)
{
	struct kvm_sregs s = get_sregs(v);

	s.cs.selector = GPA_CODE >> 4;
	s.cs.base = GPA_CODE;
	set_sregs(v, &s);
	start_at(v, 0, GPA_STACK16);
}

static void protected_segments(struct kvm_sregs *s, int l)
{
	s->cs = flat(l ? SEL_CODE : SEL_CODE32, 11, l, !l);
	s->ds = flat(SEL_DATA, 3, 0, 1);
	s->es = s->ds;
	s->fs = s->ds;
	s->gs = s->ds;
	s->ss = s->ds;
	s->tr = (struct kvm_segment) {
		.selector = SEL_TSS,
		.base = GPA_TSS,
		.limit = 0x67,
		.type = 11,
		.present = 1,
	};
	s->gdt.base = GPA_GDT;
	s->gdt.limit = 0x3f;
	s->idt.base = GPA_IDT;
	s->idt.limit = 0xfff;
}

void vcpu_prot(struct vcpu *v)
{
	struct kvm_sregs s = get_sregs(v);

	protected_segments(&s, 0);
	s.cr0 = 0x31;		/* PE, ET, NE */
	set_sregs(v, &s);
	start_at(v, GPA_CODE, GPA_STACK);
}

void vcpu_long(struct vcpu *v)
{
	struct kvm_sregs s = get_sregs(v);

	vcpu_cpuid(v);
	protected_segments(&s, 1);
	s.cr0 = 0x80010033;	/* PG, WP, NE, ET, MP, PE */
	s.cr3 = GPA_PML4;
	s.cr4 = 0x620;		/* OSXMMEXCPT, OSFXSR, PAE */
	s.efer = 0x500;		/* LMA, LME */
	set_sregs(v, &s);
	start_at(v, GPA_CODE, GPA_STACK);
}

struct vcpu *guest_bytes(int bits, const uint8_t *code, size_t len)
{
	struct vm *vm = vm_new();
	struct vcpu *v = vcpu_new(vm, 0);

	memcpy(vm->mem + GPA_CODE, code, len);
	if (bits == 16)
		vcpu_real(v);
	else if (bits == 32)
		vcpu_prot(v);
	else
		vcpu_long(v);
	return v;
}

struct kvm_regs get_regs(struct vcpu *v)
{
	struct kvm_regs regs;

	OK(ioctl(v->fd, KVM_GET_REGS, &regs));
	return regs;
}

void set_regs(struct vcpu *v, const struct kvm_regs *regs)
{
	OK(ioctl(v->fd, KVM_SET_REGS, regs));
}

struct kvm_sregs get_sregs(struct vcpu *v)
{
	struct kvm_sregs sregs;

	OK(ioctl(v->fd, KVM_GET_SREGS, &sregs));
	return sregs;
}

void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
	OK(ioctl(v->fd, KVM_SET_SREGS, sregs));
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

/* get_msr(), set_msr() - Return: 1 if done, 0 if refused, -1 and errno. */
int get_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };
	int r = ioctl(v->fd, KVM_GET_MSRS, &m);

	*value = m.entry.data;
	return r;
}

int set_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct one_msr m = {
		.head.nmsrs = 1,
		.entry.index = index,
		.entry.data = value,
	};

	return ioctl(v->fd, KVM_SET_MSRS, &m);
}

struct guest_exc *guest_exc(struct vcpu *v)
{
	return (struct guest_exc *)(v->vm->mem + GPA_EXC);
}

bool guest_progress(struct vcpu *v, uint64_t turns)
{
	volatile uint64_t *count = guest_data(v, uint64_t);
	uint64_t from = *count;

	return await(*count > from + turns);
}

bool is_kvmlite(void)
{
	char path[64], line[128];
	bool found = false;
	struct stat st;
	FILE *f;

	OK(stat(device, &st));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/uevent",
		 major(st.st_rdev), minor(st.st_rdev));
	f = fopen(path, "r");
	REQUIRE(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		found |= !strcmp(line, "DEVNAME=kvmlite\n");
	fclose(f);
	return found;
}

bool host_is_amd(void)
{
	unsigned int a, b, c, d;

	__cpuid(0, a, b, c, d);
	return b == signature_AMD_ebx && c == signature_AMD_ecx;
}

/* Both emulators' firmware signs its tables with the same name. */
bool host_is_bochs(void)
{
	char facp[16] = "";
	FILE *f = fopen("/sys/firmware/acpi/tables/FACP", "rb");
	size_t n = f ? fread(facp, 1, sizeof(facp), f) : 0;

	if (f)
		fclose(f);
	return n == sizeof(facp) && !memcmp(facp + 10, "BOCHS ", 6) &&
	       !host_is_tcg();
}

bool host_is_tcg(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c >> 31))
		return false;
	__cpuid(0x40000000, a, b, c, d);
	return b == 0x54474354;		/* "TCGT" */
}
