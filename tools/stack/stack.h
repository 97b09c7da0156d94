/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A described set of switches, disks, GPUs and guests: what the description says, what of
 * it is up, and the order in which it comes and goes. Nothing in this folder knows how an
 * object is made: that is in struct stack_ops, which tests replace.
 *
 * Conventions as in lib/virtlite.h: failures are negative, vl_message() says why.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are made: what comes later may use what came before. */
enum stack_kind {
	STACK_SWITCH,
	STACK_PORT,
	STACK_DISK,
	STACK_GPU,
	STACK_SLICE,
	STACK_GUEST,
	STACK_NR_KINDS
};

/**
 * enum stack_state - how far an object is
 * @STACK_PLANNED: only described
 * @STACK_MAKING: recorded, and perhaps there: whoever was to make it may have died
 * @STACK_UP: there, made by us
 */
enum stack_state {
	STACK_PLANNED,
	STACK_MAKING,
	STACK_UP
};

/**
 * enum stack_done - what this run has done with an object
 * @STACK_NOTHING: not come to it
 * @STACK_UNCHANGED: it was as it should be
 * @STACK_MADE: it was made
 * @STACK_REMOVED: it was removed
 * @STACK_GONE: it was to be removed, and somebody had done that before
 * @STACK_KEPT: it could not be removed
 */
enum stack_done {
	STACK_NOTHING,
	STACK_UNCHANGED,
	STACK_MADE,
	STACK_REMOVED,
	STACK_GONE,
	STACK_KEPT
};

/**
 * struct stack_object - one thing that is made
 * @kind: of what kind
 * @name: its own among those of the kind; a port's and a slice's begins with its
 *	switch's or GPU's, and a "/"
 * @said: its description, without its ports or slices
 * @place: where the machine has it: a number, a UUID, an interface; NULL: not chosen yet
 * @identity: tells it from another that comes to the same place after it
 * @state: how far it is
 * @done: what this run has done with it
 */
struct stack_object {
	enum stack_kind kind;
	char *name;
	json_object *said;
	char *place;
	uint64_t identity;
	enum stack_state state;
	enum stack_done done;
};

#define STACK_NAME_MAX	63

/**
 * struct stack - a set of objects
 * @name: the set's
 * @objects: in the order in which they are made
 * @nr: how many
 *
 * A plan is what a file describes, a record what has been made of it.
 */
struct stack {
	char name[STACK_NAME_MAX + 1];
	struct stack_object *objects;
	size_t nr;
};

/**
 * struct stack_ops - how a kind of object is made
 * @choose: set @place, so that it can be found even if making it is interrupted
 * @find: 1 if something is at @place, and which; 0 if not
 * @make: make it at @place; leaves nothing if it fails
 * @unmake: remove what is at @place; @force: whoever uses it
 */
struct stack_ops {
	int (*choose)(struct stack *s, struct stack_object *o);
	int (*find)(struct stack *s, struct stack_object *o, uint64_t *identity);
	int (*make)(struct stack *s, struct stack_object *o);
	int (*unmake)(struct stack *s, struct stack_object *o, bool force);
};

/**
 * struct stack_env - what a run works with
 * @ops: by kind
 * @save: make the record durable; called before and after each change
 * @tell: something happened to an object; @text: why, if it is not good
 * @stopped: has somebody asked for the end?
 */
struct stack_env {
	const struct stack_ops *ops;
	int (*save)(const struct stack *record);
	void (*tell)(const struct stack_object *o, enum stack_done done, const char *text);
	bool (*stopped)(void);
};

/**
 * enum stack_status - how a run ended; also the exit status of up and down
 * @STACK_OK: all is as it should be
 * @STACK_FAILED: nothing was changed, or what was has been undone
 * @STACK_LEFT: something could not be removed; it is in the record
 */
enum stack_status {
	STACK_OK	= 0,
	STACK_FAILED	= 1,
	STACK_LEFT	= 3,
};

/* plan.c */
int stack_parse(json_object *root, const char *name, struct stack *plan);
int stack_add(struct stack *s, enum stack_kind kind, const char *name, json_object *said);
void stack_drop(struct stack *s, size_t i);
void stack_free(struct stack *s);
struct stack_object *stack_find(const struct stack *s, enum stack_kind kind, const char *name);
const char *stack_kind_name(enum stack_kind kind);
bool stack_name_ok(const char *name);
const char *stack_text(json_object *o, const char *key);

/* file.c */
json_object *stack_read(const char *path);

/* words.c */
struct stack_words {
	int argc;
	char **argv;
	size_t room;
};

int stack_word(struct stack_words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int stack_options(struct stack_words *w, const struct stack_object *o, const char *dashes);
void stack_words_free(struct stack_words *w);

/* record.c */
json_object *stack_to_json(const struct stack *record);
int stack_from_json(json_object *root, struct stack *record);

/* run.c */
enum stack_status stack_up(const struct stack *plan, struct stack *record,
			   const struct stack_env *env);
enum stack_status stack_down(struct stack *record, bool force, const struct stack_env *env);

#endif /* STACK_STACK_H */
