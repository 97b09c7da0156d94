// SPDX-License-Identifier: GPL-2.0
/* The tracepoints themselves, and what is gathered for them only. */

#include "regs.h"
#include "vendor.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Out of line: what it reads costs more than the exit it describes. */
void kl_trace_exit(struct kl_vcpu *vcpu)
{
	u64 info1 = 0, info2 = 0;
	u32 reason = 0, intr = 0;

	kl_ops->exit_info(vcpu, &reason, &info1, &info2, &intr);
	trace_kl_exit(vcpu, reason, kl_rip_read(vcpu), info1, info2, intr);
}
