// SPDX-License-Identifier: GPL-2.0
/* Per-CPU counters and the latency histogram. */

#include <linux/ktime.h>

#include "disk.h"
#include "event.h"
#include "stats.h"
#include "trace.h"

/**
 * vb_stats_done() - a request has ended
 * @disk: where
 * @op: VBLK_OP_*
 * @sector: of its beginning
 * @bytes: its length
 * @start: ktime_get_ns() at its arrival
 * @status: how it ended
 *
 * Context: any. Errors are told to those who listen, too.
 */
void vb_stats_done(struct vb_disk *disk, unsigned int op, sector_t sector, unsigned int bytes,
		   u64 start, blk_status_t status)
{
	struct vb_stats __percpu *s = disk->stats;
	u64 time = ktime_get_ns() - start;

	this_cpu_inc(s->op[op].ios);
	this_cpu_add(s->op[op].time, time);
	this_cpu_inc(s->op[op].latency[vb_latency_bucket(time)]);
	if (likely(!status)) {
		this_cpu_add(s->op[op].bytes, bytes);
	} else {
		this_cpu_inc(s->op[op].errors);
		vb_event_error(disk, blk_status_to_errno(status));
	}
	trace_vblk_complete(disk->id, op, sector, bytes, time, blk_status_to_errno(status));
}

/**
 * vb_stats_read() - add up what all CPUs have counted
 * @disk: whose
 * @out: @throttled, @handed and @op are filled in
 */
void vb_stats_read(struct vb_disk *disk, struct vblk_stats *out)
{
	unsigned int i, j;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct vb_stats *s = per_cpu_ptr(disk->stats, cpu);

		out->throttled += READ_ONCE(s->throttled);
		out->handed += READ_ONCE(s->handed);
		for (i = 0; i < VBLK_NR_OPS; i++) {
			out->op[i].ios += READ_ONCE(s->op[i].ios);
			out->op[i].bytes += READ_ONCE(s->op[i].bytes);
			out->op[i].errors += READ_ONCE(s->op[i].errors);
			out->op[i].time += READ_ONCE(s->op[i].time);
			for (j = 0; j < VBLK_NR_BUCKETS; j++)
				out->op[i].latency[j] += READ_ONCE(s->op[i].latency[j]);
		}
	}
}
