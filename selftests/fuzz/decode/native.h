/* SPDX-License-Identifier: GPL-2.0 */
/* Between native.c and native_run.S. */
#ifndef NATIVE_H
#define NATIVE_H

#include <assert.h>

#include "decode.h"

/* In and out of native_run(), by the offsets that native_run.S knows. */
struct native_state {
	u64 regs[KL_NR_GPRS];
	u64 rflags;
	u32 ip;
	u16 cs, ds, es, ss;
	u32 faulted;
};

static_assert(offsetof(struct native_state, faulted) == 148, "native_run.S");

extern struct native_state native_state;
extern u64 host_rsp;	/* while native_run() is under way */

void native_run(void);
void native_return(void);
void native_fault(void);

#endif /* NATIVE_H */
