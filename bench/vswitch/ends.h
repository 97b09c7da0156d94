/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of "frames" share: where frames go in and come out. */
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H

#define LEN 64			/* of a frame */
#define HDR 10			/* the offload header before it */
#define MAX_BATCH 256

void die(const char *what);
unsigned long long now(void);	/* ns, or instructions where time is counted so */
int open_tap(const char *name);	/* a bridge's port, when that forwards */
int open_queue(const char *index);

/* A header and a frame to 02:00:00:00:00:01 from 02:00:00:00:00:02. */
void fill(unsigned char *bytes);

int latency(int argc, char **argv);
int netkit(int argc, char **argv);
int offload(int argc, char **argv);
int ovs(int argc, char **argv);
int redirect(int argc, char **argv);
int stream(int argc, char **argv);

#endif
