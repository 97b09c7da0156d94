// SPDX-License-Identifier: GPL-2.0
/*
 * The devices that answer ports: UART, clock, power management, resets; and
 * the console's watch for a text.
 */
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "fake_vm.h"
#include "tap.h"

#define RBR	(COM1_PORT + 0)
#define IER	(COM1_PORT + 1)
#define IIR	(COM1_PORT + 2)
#define FCR	(COM1_PORT + 2)
#define LCR	(COM1_PORT + 3)
#define MCR	(COM1_PORT + 4)
#define LSR	(COM1_PORT + 5)
#define MSR	(COM1_PORT + 6)
#define SCR	(COM1_PORT + 7)

static struct vm *vm;

static bool irq(void)
{
	return vm->irq.sources[IRQ_COM1];
}

static size_t receive(const char *s)
{
	return serial_receive(&vm->serial, (const u8 *)s, strlen(s));
}

static void test_probe(void)
{
	out(vm, SCR, 0xa5, 1);
	ok(in(vm, SCR, 1) == 0xa5, "the scratch register holds what is put there");
	out(vm, IER, 0xff, 1);
	ok(in(vm, IER, 1) == 0x0f, "the upper half of IER is 0");
	out(vm, IER, 0, 1);
	out(vm, FCR, 1, 1);
	ok((in(vm, IIR, 1) & 0xf0) == 0xc0, "a 16550A with its FIFO on");
	out(vm, FCR, 0x21, 1);
	ok((in(vm, IIR, 1) & 0xf0) == 0xc0, "and no 16750");
	out(vm, LCR, 0x80, 1);
	out(vm, RBR, 0x12, 1);
	out(vm, IER, 0x34, 1);
	ok(in(vm, RBR, 1) == 0x12 && in(vm, IER, 1) == 0x34,
	   "the divisor latch");
	out(vm, LCR, 3, 1);
	ok(in(vm, IER, 1) == 0 && in(vm, LSR, 1) == 0x60,
	   "which hides nothing afterwards");
	out(vm, MCR, 0x1a, 1);
	ok((in(vm, MSR, 1) & 0xf0) == 0x90, "loopback: the modem lines");
	out(vm, RBR, 'x', 1);
	ok(in(vm, LSR, 1) & 1 && in(vm, RBR, 1) == 'x', "loopback: data");
	ok(in(vm, RBR, 2) == 0xffff && in(vm, RBR, 4) == 0xffffffff,
	   "an access wider than a register reads as nothing");
	out(vm, MCR, 0, 1);
}

static void test_receive(void)
{
	ok(receive("x") == 0, "no room until the guest raises RTS");
	out(vm, MCR, 0x0b, 1);
	ok(receive("0123456789abcdefXYZ") == SERIAL_FIFO, "a FIFO's room then");

	out(vm, FCR, 0x83, 1);	/* emptied; trigger at 8 */
	receive("1234567");
	ok(!irq(), "no interrupt that is not enabled");
	out(vm, IER, 1, 1);
	ok(irq() && (in(vm, IIR, 1) & 0xf) == 0xc,
	   "fewer than the trigger level: time-out");
	receive("8");
	ok((in(vm, IIR, 1) & 0xf) == 4, "the trigger level: data");
	ok(in(vm, RBR, 1) == '1' && irq(), "bytes come in order");
	for (int i = 0; i < 7; i++)
		in(vm, RBR, 1);
	ok(!irq() && (in(vm, IIR, 1) & 0xf) == 1 && !(in(vm, LSR, 1) & 1),
	   "an empty FIFO interrupts no more");
	ok(receive("0123456789abcdefXYZ") == SERIAL_FIFO && receive("x") == 0,
	   "what does not fit is not taken");
	out(vm, FCR, 0x83, 1);
	ok(!(in(vm, LSR, 1) & 1), "the FIFO can be cleared");
	receive("a");
	out(vm, MCR, 0x03, 1);
	ok(!irq(), "OUT2 gates the interrupt");
	in(vm, RBR, 1);
	out(vm, MCR, 0x0b, 1);
	out(vm, IER, 0, 1);
}

/* A guest that takes what comes, as it comes. */
static volatile bool taking;
static unsigned long taken;

static void *take(void *arg)
{
	while (taking)
		if (in(vm, LSR, 1) & 1 && in(vm, RBR, 1) == 'x')
			taken++;
	return arg;
}

/* The console's main loop, with lines that are longer than a FIFO. */
static void test_console(void)
{
	struct pollfd none = { -1, 0, 0 }, wake = { vm->wake_fd, POLLIN, 0 };
	struct console *c = &vm->console;
	unsigned long sent = 0;
	pthread_t guest;
	bool stuck = false;
	eventfd_t n;

	out(vm, FCR, 0x83, 1);
	taking = true;
	pthread_create(&guest, NULL, take, NULL);
	for (int i = 0; i < 20000 && !stuck; i++) {
		memset(c->in, 'x', 40);
		c->in_len = 40;
		sent += 40;
		for (;;) {
			console_serve(c, &none, &none, false);
			if (!c->in_len)
				break;
			stuck = poll(&wake, 1, 10000) <= 0;
			if (stuck)
				break;
			eventfd_read(vm->wake_fd, &n);
		}
	}
	ok(!stuck, "the console is told of room whenever it waits for some");
	while (!stuck && in(vm, LSR, 1) & 1)
		sched_yield();
	taking = false;
	pthread_join(guest, NULL);
	ok(stuck || taken == sent, "no byte is lost or comes twice");
	c->in_len = 0;

	/* The other reasons to hold bytes back end with a word, too. */
	out(vm, MCR, 0x1b, 1);
	while (!eventfd_read(vm->wake_fd, &n))
		;
	out(vm, MCR, 0x0b, 1);
	ok(!eventfd_read(vm->wake_fd, &n), "and when a loopback ends");
}

static void test_transmit(void)
{
	out(vm, IER, 2, 1);
	ok(irq(), "enabling it raises the transmitter's interrupt");
	ok((in(vm, IIR, 1) & 0xf) == 2 && !irq(), "reading it lowers it");
	ok((in(vm, IIR, 1) & 0xf) == 1, "once");
	out(vm, RBR, 'h', 1);
	ok(irq(), "a byte raises it again");
	out(vm, IER, 0, 1);
	ok(!irq(), "until it is disabled");
	out(vm, IER, 2, 1);
	ok(irq(), "and enabled anew");
	out(vm, IER, 0, 1);
	ok(vm->console.out_count == 1 && vm->console.out[0] == 'h',
	   "the byte went to the console");
}

static void say(const char *s)
{
	while (*s)
		out(vm, RBR, *s++, 1);
}

static void test_mark(void)
{
	say("aab aaba aabaab");
	ok(!vm->console.mark_ns, "nearly the text that is watched for");
	say("aac");
	ok(vm->console.mark_ns && vm->console.mark_tsc, "found it");
}

static u32 cmos(u8 reg)
{
	out(vm, 0x70, reg, 1);
	return in(vm, 0x71, 1);
}

static void test_rtc(void)
{
	time_t before = time(NULL), now;
	struct tm tm;

	do {
		now = before;
		gmtime_r(&now, &tm);
		before = time(NULL);
	} while (now != before);
	ok(cmos(0x0d) == 0x80 && cmos(0x0b) == 2 && !(cmos(0x0a) & 0x80),
	   "the clock runs, in 24 hours and BCD");
	ok(cmos(9) == (u32)((tm.tm_year % 100) / 10 << 4 | tm.tm_year % 10) &&
	   cmos(0x32) == 0x20, "it knows the year");
	out(vm, 0x70, 0x40, 1);
	out(vm, 0x71, 0x77, 1);
	ok(cmos(0xc0) == 0x77, "its memory remembers, bit 7 of the index is NMI's");
}

static void test_power(void)
{
	u32 t;

	ok(in(vm, PM1_CNT_PORT, 2) & 1, "ACPI is on");
	t = in(vm, PM_TMR_PORT, 4);
	usleep(2000);
	ok(in(vm, PM_TMR_PORT, 4) - t > 5000, "the PM timer counts");
	out(vm, PM1_CNT_PORT, 3 << 10 | 1 << 13, 2);
	ok(!vm_stopping(vm), "another sleep state is none of ours");
	out(vm, PM1_CNT_PORT, PM_SLP_TYP_S5 << 10, 2);
	ok(!vm_stopping(vm), "a type without the enable bit does nothing");
	out(vm, PM1_CNT_PORT, PM_SLP_TYP_S5 << 10 | 1 << 13, 2);
	ok(vm->stop == VMM_POWEROFF, "S5 switches off");
	out(vm, I8042_CMD_PORT, 0xfe, 1);
	ok(vm->stop == VMM_POWEROFF, "the first reason stays");

	vm->stop = -1;
	out(vm, I8042_CMD_PORT, 0xaa, 1);
	ok(!vm_stopping(vm) && in(vm, I8042_CMD_PORT, 1) == 0,
	   "the keyboard controller is idle");
	out(vm, I8042_CMD_PORT, 0xfe, 1);
	ok(vm->stop == VMM_RESET, "and resets");
	vm->stop = -1;
	out(vm, RESET_PORT, 2, 1);
	ok(!vm_stopping(vm), "the reset register waits for its bit");
	out(vm, RESET_PORT, 6, 1);
	ok(vm->stop == VMM_RESET, "the reset register resets");
	vm->stop = -1;
	ok(in(vm, 0x1234, 1) == 0xff && in(vm, 0x1234, 4) == 0xffffffff,
	   "a port without a device");
}

int main(void)
{
	vm = fake_vm(2 * MIB, "aabaac");
	test_probe();
	test_receive();
	test_console();
	test_transmit();
	test_mark();
	test_rtc();
	test_power();
	fake_vm_free(vm);
	return tap_done();
}
