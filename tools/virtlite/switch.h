/* SPDX-License-Identifier: GPL-2.0 */
/* What the files behind `virtlite switch` share. */
#ifndef VIRTLITE_CLI_SWITCH_H
#define VIRTLITE_CLI_SWITCH_H

#include <stdbool.h>

#include "../lib/switch.h"

#define call(fd, req, arg, name) vl_switch_call(fd, req, arg, name)
#define head_of(type, index) { .size = sizeof(struct type), .ifindex = (index) }

/* The words that are left of a command line. */
struct words {
	int argc;
	char **argv;
};

const char *next_word(struct words *w);
bool word_is(const char *word, const char *keyword);
bool parse_u32(const char *s, unsigned int *v);
bool parse_mac(const char *s, unsigned char *mac);
const char *mac_text(const unsigned char *mac, char *to);
int failed(void);

/* Opens the device and finds the switch; exit status, or 0. */
int begin(struct words *w, int *fd, unsigned int *sw);

/* All that one command line may say about a port; sent in up to three calls. */
struct port_request {
	struct vswitch_port port;
	struct vswitch_vlan vlan;
	struct vswitch_rate rate;
	bool set_vlan;
};

/* The words after "switch add": exit status. */
int parse_new_switch(struct words *w, struct vswitch_switch *s);

/* The words of a PORT-OPTION, "mac" and "netns": exit status. */
int parse_port(struct words *w, struct port_request *r);
struct port_request new_request(unsigned int sw);
/* What VSWITCH_ADD_PORT and SET_PORT leave to do; -errno. */
int set_rest(int fd, struct port_request *r);
/* The words after "switch port add NAME": exit status. */
int parse_new_port(struct words *w, struct port_request *r);
/* Makes it, or nothing: -errno. */
int add_port(int fd, struct port_request *r);

int do_switch_port(int argc, char **argv);
int do_switch_fdb(int argc, char **argv);
int do_switch_mirror(int argc, char **argv);
int do_switch_stats(int argc, char **argv);
int do_switch_events(int argc, char **argv);
int do_switch_queue(int argc, char **argv);
int do_switch_save(int argc, char **argv);
int do_switch_restore(int argc, char **argv);
int do_switch_groups(int argc, char **argv);
int do_switch_policy(int argc, char **argv);
int do_switch_guard(int argc, char **argv);

#endif /* VIRTLITE_CLI_SWITCH_H */
