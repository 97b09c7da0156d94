/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vgpu

#if !defined(VGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VGPU_TRACE_H

#include <linux/tracepoint.h>

#include "gpu.h"
#include "queue.h"
#include "slice.h"

TRACE_EVENT(vgpu_turn_begin,
	    TP_PROTO(const struct vg_queue *q, u64 turn),
	    TP_ARGS(q, turn),
	    TP_STRUCT__entry(__field(int, id)
			     __field(int, slice)
			     __field(u32, engine)
			     __field(u64, turn)),
	    TP_fast_assign(__entry->id = q->slice->gpu->id;
			   __entry->slice = q->slice->nr;
			   __entry->engine = q->nr;
			   __entry->turn = turn;),
	    TP_printk("vgpu%d engine %u slice %d for %llu ns", __entry->id, __entry->engine,
		      __entry->slice, __entry->turn)
);

TRACE_EVENT(vgpu_turn_end,
	    TP_PROTO(const struct vg_queue *q, u32 reason),
	    TP_ARGS(q, reason),
	    TP_STRUCT__entry(__field(int, id)
			     __field(int, slice)
			     __field(u32, engine)
			     __field(u64, used)
			     __field(u64, units)
			     __field(u32, reason)),
	    TP_fast_assign(__entry->id = q->slice->gpu->id;
			   __entry->slice = q->slice->nr;
			   __entry->engine = q->nr;
			   __entry->used = q->turn_used;
			   __entry->units = q->turn_units;
			   __entry->reason = reason;),
	    TP_printk("vgpu%d engine %u slice %d used %llu ns %llu units: %s", __entry->id,
		      __entry->engine, __entry->slice, __entry->used, __entry->units,
		      __print_symbolic(__entry->reason, { VGPU_TURN_DONE, "done" },
				       { VGPU_TURN_QUANTUM, "quantum" },
				       { VGPU_TURN_WAIT, "waits" }, { VGPU_TURN_FAULT, "fault" },
				       { VGPU_TURN_HANG, "hang" },
				       { VGPU_TURN_REVOKED, "revoked" },
				       { VGPU_TURN_STOPPED, "stopped" }))
);

TRACE_EVENT(vgpu_halt,
	    TP_PROTO(const struct vg_queue *q, u32 error),
	    TP_ARGS(q, error),
	    TP_STRUCT__entry(__field(int, id)
			     __field(int, slice)
			     __field(u32, engine)
			     __field(u32, get)
			     __field(u32, error)),
	    TP_fast_assign(__entry->id = q->slice->gpu->id;
			   __entry->slice = q->slice->nr;
			   __entry->engine = q->nr;
			   __entry->get = q->get;
			   __entry->error = error;),
	    TP_printk("vgpu%d slice %d queue %u at command %u: error %u", __entry->id,
		      __entry->slice, __entry->engine, __entry->get, __entry->error)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
