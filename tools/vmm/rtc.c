// SPDX-License-Identifier: GPL-2.0
/*
 * The CMOS clock, read-only and without interrupts: enough for a guest to learn
 * the time. Setting it is accepted and has no effect on what it shows.
 */
#include <time.h>

#include "vm.h"

#define REG_A		0x0a
#define REG_B		0x0b
#define REG_C		0x0c
#define REG_D		0x0d
#define REG_CENTURY	0x32

#define A_DIVIDER	0x26	/* 32.768 kHz time base, no update going on */
#define B_24H		0x02
#define D_VALID		0x80	/* the battery is fine */

static u8 bcd(unsigned int v)
{
	return v / 10 << 4 | v % 10;
}

static u8 rtc_read(const struct rtc *rtc)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (rtc->index) {
	case 0x00:
		return bcd(tm.tm_sec);
	case 0x02:
		return bcd(tm.tm_min);
	case 0x04:
		return bcd(tm.tm_hour);
	case 0x06:
		return tm.tm_wday + 1;
	case 0x07:
		return bcd(tm.tm_mday);
	case 0x08:
		return bcd(tm.tm_mon + 1);
	case 0x09:
		return bcd(tm.tm_year % 100);
	case REG_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case REG_A:
		return A_DIVIDER;
	case REG_B:
		return B_24H;
	case REG_C:
		return 0;
	case REG_D:
		return D_VALID;
	default:
		return rtc->ram[rtc->index];
	}
}

static void rtc_access(void *opaque, u16 off, void *data, unsigned int size,
		       bool write)
{
	struct rtc *rtc = opaque;
	u8 *value = data;

	if (size != 1)
		return;

	pthread_mutex_lock(&rtc->lock);
	if (off == 0) {
		/* Bit 7 masks NMI on a PC and is no part of the index. */
		if (write)
			rtc->index = *value & 0x7f;
	} else if (write) {
		rtc->ram[rtc->index] = *value;
	} else {
		*value = rtc_read(rtc);
	}
	pthread_mutex_unlock(&rtc->lock);
}

/**
 * rtc_init() - answer the clock's ports
 * @vm: machine
 */
int rtc_init(struct vm *vm)
{
	pthread_mutex_init(&vm->rtc.lock, NULL);
	return pio_add(&vm->pio, RTC_PORT, 2, rtc_access, &vm->rtc);
}
