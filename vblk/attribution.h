/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_ATTRIBUTION_H
#define VB_ATTRIBUTION_H

struct cgroup_subsys_state;
struct mem_cgroup;
struct request;

/**
 * struct vb_payer - whose account a worker acts on
 * @blkcg: the I/O's, or NULL; held by the bio
 * @memcg: the memory's, or NULL; referenced
 */
struct vb_payer {
	struct cgroup_subsys_state *blkcg;
	struct cgroup_subsys_state *memcg;
};

/* While he does. */
struct vb_paying {
	struct vb_payer payer;
	struct mem_cgroup *was;
};

void vb_payer_find(struct vb_payer *payer, struct request *rq);
void vb_payer_drop(struct vb_payer *payer);
void vb_payer_begin(struct vb_paying *now, const struct vb_payer *payer);
void vb_payer_end(struct vb_paying *now);

#endif
