/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmlite

#if !defined(KVMLITE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVMLITE_TRACE_H

#include <linux/tracepoint.h>

#include "regs.h"
#include "vcpu.h"

#ifndef KVMLITE_TRACE_ONCE
#define KVMLITE_TRACE_ONCE
void kl_trace_exit(struct kl_vcpu *vcpu);
#endif

TRACE_EVENT(kl_entry,
	    TP_PROTO(struct kl_vcpu *vcpu),
	    TP_ARGS(vcpu),
	    TP_STRUCT__entry(__field(u32, id)),
	    TP_fast_assign(__entry->id = vcpu->id;),
	    TP_printk("vcpu %u", __entry->id)
);

TRACE_EVENT(kl_exit,
	    TP_PROTO(struct kl_vcpu *vcpu, u32 reason, u64 rip, u64 info1, u64 info2,
		     u32 intr),
	    TP_ARGS(vcpu, reason, rip, info1, info2, intr),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u32, reason)
			     __field(u64, rip)
			     __field(u64, info1)
			     __field(u64, info2)
			     __field(u32, intr)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->reason = reason;
			   __entry->rip = rip;
			   __entry->info1 = info1;
			   __entry->info2 = info2;
			   __entry->intr = intr;),
	    TP_printk("vcpu %u reason 0x%x rip 0x%llx info 0x%llx 0x%llx intr 0x%x",
		      __entry->id, __entry->reason, __entry->rip, __entry->info1,
		      __entry->info2, __entry->intr)
);

TRACE_EVENT(kl_user_exit,
	    TP_PROTO(struct kl_vcpu *vcpu, u32 reason, int ret),
	    TP_ARGS(vcpu, reason, ret),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u32, reason)
			     __field(int, ret)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->reason = reason;
			   __entry->ret = ret;),
	    TP_printk("vcpu %u reason %u ret %d", __entry->id, __entry->reason,
		      __entry->ret)
);

TRACE_EVENT(kl_tdp_fault,
	    TP_PROTO(struct kl_vcpu *vcpu, u64 gpa, u32 access),
	    TP_ARGS(vcpu, gpa, access),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u64, gpa)
			     __field(u32, access)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->gpa = gpa;
			   __entry->access = access;),
	    TP_printk("vcpu %u gpa 0x%llx%s%s%s%s", __entry->id, __entry->gpa,
		      __entry->access & 1 ? " read" : "",
		      __entry->access & 2 ? " write" : "",
		      __entry->access & 4 ? " exec" : "",
		      __entry->access & 8 ? " walk" : "")
);

TRACE_EVENT(kl_inject,
	    TP_PROTO(struct kl_vcpu *vcpu, const char *kind, u8 vector, bool again),
	    TP_ARGS(vcpu, kind, vector, again),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(const char *, kind)
			     __field(u8, vector)
			     __field(bool, again)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->kind = kind;
			   __entry->vector = vector;
			   __entry->again = again;),
	    TP_printk("vcpu %u %s %u%s", __entry->id, __entry->kind,
		      __entry->vector, __entry->again ? " again" : "")
);

TRACE_EVENT(kl_pio,
	    TP_PROTO(struct kl_vcpu *vcpu, bool in, u16 port, u32 size, u32 val),
	    TP_ARGS(vcpu, in, port, size, val),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(bool, in)
			     __field(u16, port)
			     __field(u32, size)
			     __field(u32, val)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->in = in;
			   __entry->port = port;
			   __entry->size = size;
			   __entry->val = val;),
	    TP_printk("vcpu %u %s port 0x%x size %u val 0x%x", __entry->id,
		      __entry->in ? "in" : "out", __entry->port, __entry->size,
		      __entry->val)
);

TRACE_EVENT(kl_mmio,
	    TP_PROTO(struct kl_vcpu *vcpu, bool write, u64 gpa, u32 len,
		     const void *data),
	    TP_ARGS(vcpu, write, gpa, len, data),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(bool, write)
			     __field(u64, gpa)
			     __field(u32, len)
			     __field(u64, val)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->write = write;
			   __entry->gpa = gpa;
			   __entry->len = len;
			   __entry->val = 0;
			   memcpy(&__entry->val, data, min(8u, len));),
	    TP_printk("vcpu %u %s gpa 0x%llx len %u val 0x%llx", __entry->id,
		      __entry->write ? "write" : "read", __entry->gpa, __entry->len,
		      __entry->val)
);

TRACE_EVENT(kl_msr,
	    TP_PROTO(struct kl_vcpu *vcpu, bool write, u32 index, u64 data, int ret),
	    TP_ARGS(vcpu, write, index, data, ret),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(bool, write)
			     __field(u32, index)
			     __field(u64, data)
			     __field(int, ret)),
	    TP_fast_assign(__entry->id = vcpu->id;
			   __entry->write = write;
			   __entry->index = index;
			   __entry->data = data;
			   __entry->ret = ret;),
	    TP_printk("vcpu %u %s msr 0x%x data 0x%llx%s", __entry->id,
		      __entry->write ? "write" : "read", __entry->index,
		      __entry->data, __entry->ret ? " refused" : "")
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
