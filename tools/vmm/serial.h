/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_SERIAL_H
#define VMM_SERIAL_H

#include <pthread.h>

#include "types.h"

struct vm;

#define SERIAL_FIFO	16

/**
 * struct serial - a 16550A
 * @vm: the machine, for its interrupt and its console
 * @lock: protects the rest
 * @ier: interrupt enable register
 * @fcr: FIFO control register, without the bits that act at once
 * @lcr: line control register
 * @mcr: modem control register
 * @scr: scratch register
 * @dll: divisor latch, low
 * @dlm: divisor latch, high
 * @thre: the transmitter-empty interrupt is pending
 * @rx: receive FIFO
 * @rx_head: oldest byte in it
 * @rx_count: bytes in it
 */
struct serial {
	struct vm *vm;
	pthread_mutex_t lock;
	u8 ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thre;
	u8 rx[SERIAL_FIFO];
	unsigned int rx_head;
	unsigned int rx_count;
};

int serial_init(struct vm *vm);
size_t serial_receive(struct serial *s, const u8 *data, size_t len);

#endif /* VMM_SERIAL_H */
