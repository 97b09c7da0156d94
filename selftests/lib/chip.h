/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SELFTEST_CHIP_H
#define SELFTEST_CHIP_H

#include "vm.h"

/* Pieces of guest code. RAX is lost. */
#define MMIO32(addr, value) \
	"mov $" #addr ", %eax\nmovl $" #value ", (%rax)\n"
#define LAPIC(reg, value)	MMIO32(0xfee00000 + (reg), value)
#define IOAPIC(reg, value)	MMIO32(0xfec00000, reg) MMIO32(0xfec00010, value)
#define OUTB(port, value)	"mov $" #value ", %al\nout %al, $" #port "\n"
#define READY			"xor %eax, %eax\nout %al, $0x10\n"
#define LAPIC_ON		LAPIC(0xf0, 0x1ff)
#define IDLE			"sti\n1: hlt\njmp 1b\n"
/* PIC: vectors from 0x30 and 0x38, edge, all pins open. */
#define PIC_ON								\
	OUTB(0x20, 0x11) OUTB(0x21, 0x30) OUTB(0x21, 4) OUTB(0x21, 1)	\
	OUTB(0xa0, 0x11) OUTB(0xa1, 0x38) OUTB(0xa1, 2) OUTB(0xa1, 1)	\
	OUTB(0x21, 0) OUTB(0xa1, 0)
#define PIC_OFF			OUTB(0x21, 0xff) OUTB(0xa1, 0xff)

#define IRQCHIP_GUEST(name) irqchip_guest(name, name##_end)

#define EXPECT(v, vector, n) expect(v, vector, n, __FILE__, __LINE__)

struct vm *irqchip_vm(void);
struct vcpu *irqchip_guest(const uint8_t *code, const uint8_t *end);
volatile uint32_t *count(struct vcpu *v, unsigned int vector);
void line(struct vcpu *v, uint32_t irq, uint32_t level);
void pulse(struct vcpu *v, uint32_t irq);
int msi(struct vcpu *v, uint32_t address, uint32_t data);
void expect(struct vcpu *v, unsigned int vector, unsigned int n, const char *file, int where);

#endif
