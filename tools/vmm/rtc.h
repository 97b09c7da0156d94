/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_RTC_H
#define VMM_RTC_H

#include <pthread.h>

#include "types.h"

struct vm;

/**
 * struct rtc - an MC146818 that always shows the host's time, in UTC
 * @lock: protects the rest
 * @index: register that port 0x71 reaches
 * @ram: registers; those of the clock itself are computed when read
 */
struct rtc {
	pthread_mutex_t lock;
	u8 index;
	u8 ram[128];
};

int rtc_init(struct vm *vm);

#endif /* VMM_RTC_H */
