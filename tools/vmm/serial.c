// SPDX-License-Identifier: GPL-2.0
/*
 * COM1: a 16550A whose transmitter is always ready and whose receiver never
 * overruns, because the console holds bytes back while there is no room.
 *
 * Bytes wait in the host until the guest raises RTS, as they would with a
 * modem cable: a guest that has not opened the port yet loses nothing, so
 * input may be piped in from the start.
 */
#include "vm.h"

#define IER_RDI		0x01	/* received data */
#define IER_THRI	0x02	/* transmitter empty */
#define IER_MASK	0x0f

#define IIR_NONE	0x01
#define IIR_THRI	0x02
#define IIR_RDI		0x04
#define IIR_TIMEOUT	0x0c	/* data below the trigger level */
#define IIR_FIFO	0xc0

#define FCR_ENABLE	0x01
#define FCR_CLEAR_RX	0x02
#define FCR_TRIGGER	0xc0

#define LCR_DLAB	0x80

#define MCR_DTR		0x01
#define MCR_RTS		0x02
#define MCR_OUT1	0x04
#define MCR_OUT2	0x08	/* on a PC this gates the interrupt */
#define MCR_LOOP	0x10
#define MCR_MASK	0x1f

#define LSR_DR		0x01
#define LSR_TX_EMPTY	0x60	/* THRE and TEMT */

#define MSR_CTS		0x10
#define MSR_DSR		0x20
#define MSR_RI		0x40
#define MSR_DCD		0x80

static unsigned int trigger_level(const struct serial *s)
{
	static const u8 level[] = { 1, 4, 8, 14 };

	return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}

/* What the interrupt identification register says, most urgent first. The
 * time-out for data below the trigger level has passed as soon as it arrives.
 */
static u8 pending(const struct serial *s)
{
	if (s->ier & IER_RDI && s->rx_count)
		return s->rx_count >= trigger_level(s) ? IIR_RDI : IIR_TIMEOUT;
	if (s->ier & IER_THRI && s->thre)
		return IIR_THRI;
	return IIR_NONE;
}

static void update_irq(struct serial *s)
{
	irq_set_line(&s->vm->irq, IRQ_COM1, 0,
		     pending(s) != IIR_NONE && s->mcr & MCR_OUT2);
}

static size_t room(const struct serial *s)
{
	size_t size = s->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;

	return size > s->rx_count ? size - s->rx_count : 0;
}

/* Can a byte arrive now? In loopback nothing does from outside. */
static bool takes(const struct serial *s)
{
	return (s->mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS && room(s);
}

static void push(struct serial *s, u8 byte)
{
	if (room(s))
		s->rx[(s->rx_head + s->rx_count++) % SERIAL_FIFO] = byte;
}

static u8 pop(struct serial *s)
{
	u8 byte;

	if (!s->rx_count)
		return 0;
	byte = s->rx[s->rx_head];
	s->rx_head = (s->rx_head + 1) % SERIAL_FIFO;
	s->rx_count--;
	return byte;
}

static u8 modem_status(const struct serial *s)
{
	u8 msr = 0;

	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (s->mcr & MCR_RTS)
		msr |= MSR_CTS;
	if (s->mcr & MCR_DTR)
		msr |= MSR_DSR;
	if (s->mcr & MCR_OUT1)
		msr |= MSR_RI;
	if (s->mcr & MCR_OUT2)
		msr |= MSR_DCD;
	return msr;
}

static u8 read_reg(struct serial *s, u16 reg)
{
	u8 value;

	switch (reg) {
	case 0:
		return s->lcr & LCR_DLAB ? s->dll : pop(s);
	case 1:
		return s->lcr & LCR_DLAB ? s->dlm : s->ier;
	case 2:
		value = pending(s);
		/* Having been told is what ends this one. */
		if (value == IIR_THRI)
			s->thre = false;
		return value | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
	case 3:
		return s->lcr;
	case 4:
		return s->mcr;
	case 5:
		return LSR_TX_EMPTY | (s->rx_count ? LSR_DR : 0);
	case 6:
		return modem_status(s);
	default:
		return s->scr;
	}
}

static void transmit(struct serial *s, u8 byte)
{
	if (s->mcr & MCR_LOOP)
		push(s, byte);
	else
		console_put(&s->vm->console, byte);
	s->thre = true;
}

static void write_reg(struct serial *s, u16 reg, u8 value)
{
	switch (reg) {
	case 0:
		if (s->lcr & LCR_DLAB)
			s->dll = value;
		else
			transmit(s, value);
		break;
	case 1:
		if (s->lcr & LCR_DLAB) {
			s->dlm = value;
			break;
		}
		/* Enabling it while the transmitter is empty raises it. */
		if (value & IER_THRI && !(s->ier & IER_THRI))
			s->thre = true;
		s->ier = value & IER_MASK;
		break;
	case 2:
		/* Switching the FIFO on or off empties it. */
		if (value & FCR_CLEAR_RX || (value ^ s->fcr) & FCR_ENABLE)
			s->rx_count = 0;
		s->fcr = value & (FCR_ENABLE | FCR_TRIGGER);
		break;
	case 3:
		s->lcr = value;
		break;
	case 4:
		s->mcr = value & MCR_MASK;
		break;
	case 7:
		s->scr = value;
		break;
	}
}

static void serial_access(void *opaque, u16 off, void *data, unsigned int size,
			  bool write)
{
	struct serial *s = opaque;
	u8 *value = data;
	bool wake;

	if (size != 1)
		return;
	if (write && !off)
		console_wait_room(&s->vm->console);

	pthread_mutex_lock(&s->lock);
	wake = takes(s);
	if (write)
		write_reg(s, off, *value);
	else
		*value = read_reg(s, off);
	update_irq(s);
	/* The console goes on until there is no room: it need only be told when
	 * there was none before.
	 */
	wake = !wake && takes(s);
	pthread_mutex_unlock(&s->lock);

	if (wake)
		vm_wake(s->vm);
}

/**
 * serial_receive() - bytes arrive on the line
 * @s: UART
 * @data: bytes
 * @len: how many
 *
 * Room is looked at and filled in one go: whoever is left with some finds none, and is
 * told by vm_wake() when there is some again.
 *
 * Return: how many the guest's FIFO had room for.
 */
size_t serial_receive(struct serial *s, const u8 *data, size_t len)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	for (n = 0; n < len && takes(s); n++)
		push(s, data[n]);
	if (n)
		update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

/**
 * serial_init() - answer COM1's ports
 * @vm: machine
 */
int serial_init(struct vm *vm)
{
	vm->serial = (struct serial){ .vm = vm, .dll = 1 };
	pthread_mutex_init(&vm->serial.lock, NULL);
	return pio_add(&vm->pio, COM1_PORT, 8, serial_access, &vm->serial);
}
