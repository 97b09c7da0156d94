// SPDX-License-Identifier: GPL-2.0
/* A guest with the interrupt controllers in the kernel, and ways to poke them. */
#include "chip.h"

struct vm *irqchip_vm(void)
{
	struct vm *vm = vm_new();

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	return vm;
}

struct vcpu *irqchip_guest(const uint8_t *code, const uint8_t *end)
{
	struct vm *vm = irqchip_vm();
	struct vcpu *v = vcpu_new(vm, 0);
	struct kvm_regs regs;

	memcpy(vm->mem + GPA_CODE, code, end - code);
	vcpu_long(v);
	regs = get_regs(v);
	regs.r15 = 0;
	set_regs(v, &regs);
	guest_exc(v)->eoi = 1;
	return v;
}

volatile uint32_t *count(struct vcpu *v, unsigned int vector)
{
	return &guest_exc(v)->counts[vector];
}

void line(struct vcpu *v, uint32_t irq, uint32_t level)
{
	struct kvm_irq_level l = { .irq = irq, .level = level };

	OK(ioctl(v->vm->fd, KVM_IRQ_LINE, &l));
}

void pulse(struct vcpu *v, uint32_t irq)
{
	line(v, irq, 1);
	line(v, irq, 0);
}

int msi(struct vcpu *v, uint32_t address, uint32_t data)
{
	struct kvm_msi m = { .address_lo = 0xfee00000 | address, .data = data };

	return ioctl(v->vm->fd, KVM_SIGNAL_MSI, &m);
}

/* Within a while the vector has come n times, and no more. */
void expect(struct vcpu *v, unsigned int vector, unsigned int n, const char *file,
	    int where)
{
	volatile uint32_t *c = count(v, vector);

	if (!await(*c >= n) || *c != n)
		test_fail(file, where, "vector 0x%x came %u times, not %u",
			  vector, *c, n);
}
