/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vblk

#if !defined(VBLK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VBLK_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(vblk_attach,
	    TP_PROTO(int id, u32 backing, u64 length, u32 flags),
	    TP_ARGS(id, backing, length, flags),
	    TP_STRUCT__entry(__field(int, id)
			     __field(u32, backing)
			     __field(u64, length)
			     __field(u32, flags)),
	    TP_fast_assign(__entry->id = id;
			   __entry->backing = backing;
			   __entry->length = length;
			   __entry->flags = flags;),
	    TP_printk("vblk%d backing %u length %llu flags 0x%x", __entry->id,
		      __entry->backing, __entry->length, __entry->flags)
);

TRACE_EVENT(vblk_detach,
	    TP_PROTO(int id, bool force),
	    TP_ARGS(id, force),
	    TP_STRUCT__entry(__field(int, id)
			     __field(bool, force)),
	    TP_fast_assign(__entry->id = id;
			   __entry->force = force;),
	    TP_printk("vblk%d%s", __entry->id, __entry->force ? " by force" : "")
);

TRACE_EVENT(vblk_complete,
	    TP_PROTO(int id, u32 op, u64 sector, u32 bytes, u64 time, int error),
	    TP_ARGS(id, op, sector, bytes, time, error),
	    TP_STRUCT__entry(__field(int, id)
			     __field(u32, op)
			     __field(u64, sector)
			     __field(u32, bytes)
			     __field(u64, time)
			     __field(int, error)),
	    TP_fast_assign(__entry->id = id;
			   __entry->op = op;
			   __entry->sector = sector;
			   __entry->bytes = bytes;
			   __entry->time = time;
			   __entry->error = error;),
	    TP_printk("vblk%d %s sector %llu bytes %u in %llu ns error %d", __entry->id,
		      __print_symbolic(__entry->op, { 0, "read" }, { 1, "write" },
				       { 2, "discard" }, { 3, "flush" }),
		      __entry->sector, __entry->bytes, __entry->time, __entry->error)
);

/* A request of a file's disk goes to a worker: why it was not submitted at once. */
TRACE_EVENT(vblk_hand,
	    TP_PROTO(int id, u64 sector, u32 why),
	    TP_ARGS(id, sector, why),
	    TP_STRUCT__entry(__field(int, id)
			     __field(u64, sector)
			     __field(u32, why)),
	    TP_fast_assign(__entry->id = id;
			   __entry->sector = sector;
			   __entry->why = why;),
	    TP_printk("vblk%d sector %llu because of %s", __entry->id, __entry->sector,
		      __print_symbolic(__entry->why, { 0, "its kind" }, { 1, "its submitter" },
				       { 2, "would block" }, { 3, "its mapping" }))
);

TRACE_EVENT(vblk_throttle,
	    TP_PROTO(int id, u64 wait),
	    TP_ARGS(id, wait),
	    TP_STRUCT__entry(__field(int, id)
			     __field(u64, wait)),
	    TP_fast_assign(__entry->id = id;
			   __entry->wait = wait;),
	    TP_printk("vblk%d next in %llu ns", __entry->id, __entry->wait)
);

TRACE_EVENT(vblk_fault,
	    TP_PROTO(int id, u32 kind, u32 op, u64 sector),
	    TP_ARGS(id, kind, op, sector),
	    TP_STRUCT__entry(__field(int, id)
			     __field(u32, kind)
			     __field(u32, op)
			     __field(u64, sector)),
	    TP_fast_assign(__entry->id = id;
			   __entry->kind = kind;
			   __entry->op = op;
			   __entry->sector = sector;),
	    TP_printk("vblk%d kind %u op %u sector %llu", __entry->id, __entry->kind,
		      __entry->op, __entry->sector)
);

TRACE_EVENT(vblk_commit,
	    TP_PROTO(u64 epoch, u32 records, u64 nr_free, int error),
	    TP_ARGS(epoch, records, nr_free, error),
	    TP_STRUCT__entry(__field(u64, epoch)
			     __field(u32, records)
			     __field(u64, nr_free)
			     __field(int, error)),
	    TP_fast_assign(__entry->epoch = epoch;
			   __entry->records = records;
			   __entry->nr_free = nr_free;
			   __entry->error = error;),
	    TP_printk("epoch %llu log %u free %llu error %d", __entry->epoch,
		      __entry->records, __entry->nr_free, __entry->error)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
