/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of vswitch share. Each test has a network namespace of its own
 * with a switch that goes with it. Most of them put queue ports on it, on which
 * every byte of a frame can be sent and seen.
 */
#ifndef SELFTESTS_VSW_H
#define SELFTESTS_VSW_H

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <linux/if_ether.h>
#include <virtlite/vswitch.h>

#include "test.h"

#define FRAME_MAX 70000
#define HDR 10			/* the offload header of a new queue */
#define MS_ARRIVE 20000		/* what must come has come by then, on any machine */
#define MS_QUIET 60		/* what must not come would have come by then */

extern int dev;			/* /dev/vswitch, in the test's namespace */
extern int sw;			/* the switch's interface index */

/* head() - the beginning of an argument */
#define head(type) { .size = sizeof(struct type), .ifindex = sw }

void setup(void);
int new_switch(const char *name);

struct queue {
	int fd;
	unsigned int port;
	unsigned char mac[6];
};

struct queue new_queue(void);
struct queue new_queue_on(int ifindex);

/* A frame: 6 + 6 bytes of addresses, up to two tags, an EtherType, a number. */
struct frame {
	unsigned char dst[6], src[6];
	unsigned short tpid, tci;	/* outer tag, tpid 0: none */
	unsigned short tpid2, tci2;	/* inner tag */
	unsigned int len;		/* of the whole; 0: 64 */
};

extern const unsigned char broadcast[6];

void mac_of(unsigned char *mac, unsigned int n);
struct frame frame_to(const unsigned char *dst, const unsigned char *src);
struct frame from(unsigned int n);
unsigned int frame_bytes(const struct frame *f, unsigned char *to);

void put(struct queue *q, const struct frame *f);
void put_bytes(struct queue *q, const void *bytes, unsigned int len);
int try_bytes(struct queue *q, const void *bytes, unsigned int len);
int get_bytes(struct queue *q, void *to, unsigned int room, int ms);
bool arrives(struct queue *q, const struct frame *f);
bool silent(struct queue *q);
void drain(struct queue *q);

/* What happens by itself will be so in the end, however slow the machine is. */
#define EVENTUALLY(cond)						\
	({								\
		int __i;						\
									\
		for (__i = 0; __i < 2400 && !(cond); __i++)		\
			usleep(25000);					\
		(cond);							\
	})

double now_ms(void);

/* The frame arrives; nothing arrives. */
#define ARRIVES(q, f) CHECK(arrives(q, f), "%s: the frame does not arrive at %s", __func__, #q)
#define SILENT(q) CHECK(silent(q), "%s: something arrives at %s", __func__, #q)

unsigned long long stat_of(unsigned int port, unsigned int which);
struct vswitch_port get_port(unsigned int port);
void port_conf(unsigned int port, unsigned int conf, unsigned int mask);
void set_vlan(unsigned int port, unsigned int mode, unsigned int vid, unsigned int tpid,
	      const unsigned short *allowed);
bool fdb_has(const unsigned char *mac, unsigned int vid, struct vswitch_fdb_entry *entry);
unsigned int fdb_count(void);
void fdb_static(const unsigned char *mac, unsigned int vid, unsigned int port);
void flood(struct queue *q, const unsigned char *dst, unsigned int first, unsigned int n);

unsigned int new_vnic(const char *name, int netns);
int link_flags(const char *name);
void no_ipv6(void);		/* of interfaces that are made from now on */
void port_is_up(int index, unsigned int port);
void link_up(const char *name, bool up);
int link_index(const char *name);
int packet_socket(const char *name);
bool packet_arrives(int fd, const struct frame *f);
bool packet_missing(int fd, const struct frame *f);

/* rtnetlink, as ip link does it. Return 0 or -errno. */
int rtnl_add(const char *name, const char *kind, int link, int netns);
int rtnl_del(const char *name);
int rtnl_add_limit(const char *name, unsigned int fdb_limit);

/* bridge vlan add, del and show; bridge link set. @self: to itself, not its master. */
struct bridge_vlan_info;
int rtnl_bridge_vlan(const char *name, bool add, bool self, const struct bridge_vlan_info *v,
		     int n);
int rtnl_bridge_vlans(const char *name, struct bridge_vlan_info *v, int room);
int rtnl_bridge_option(const char *name, bool self, int option, unsigned char value);

int rtnl_set_gso_max(const char *name, unsigned int size);
int rtnl_set_master(const char *name, int master);
int rtnl_set_netns(const char *name, int netns);
int rtnl_set_mac(const char *name, const unsigned char *mac);
int rtnl_set_xdp(const char *name, int fd);

int new_netns(void);		/* a file of a namespace of its own */
void in_netns(int fd);

#endif
