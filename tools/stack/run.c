// SPDX-License-Identifier: GPL-2.0
/*
 * The order of things: up makes what is missing, and undoes in reverse what it made if it
 * cannot make all; down removes in reverse what is recorded.
 *
 * An object is recorded before it is made, with the place where it will be, and once more
 * when it is there. If up dies in between, the next run finds something at that place,
 * where there was nothing before: that is ours, but may be half made, and is removed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "stack.h"

static int unmake(struct stack *record, struct stack_object *o, bool force,
		  const struct stack_env *env)
{
	return env->ops[o->kind].unmake(record, o, force);
}

/* Something that this run made, or found half made, goes. */
static enum stack_status undo(struct stack *record, const struct stack_env *env)
{
	enum stack_status status = STACK_FAILED;

	for (size_t i = record->nr; i-- > 0;) {
		struct stack_object *o = &record->objects[i];

		if (o->done != STACK_MADE)
			continue;
		if (unmake(record, o, false, env)) {
			env->tell(o, STACK_KEPT, vl_message());
			status = STACK_LEFT;
			continue;
		}
		env->tell(o, STACK_REMOVED, NULL);
		stack_drop(record, i);
	}
	if (env->save(record)) {
		env->tell(NULL, STACK_KEPT, vl_message());
		status = STACK_LEFT;
	}
	return status;
}

/* What is up must be what the file says, or there is no telling what it would mean. */
static int compare(const struct stack *plan, const struct stack *record)
{
	for (size_t i = 0; i < record->nr; i++) {
		const struct stack_object *o = &record->objects[i], *p;

		p = stack_find(plan, o->kind, o->name);
		if (!p)
			return vl_error(0, "%s %s is up, and no longer described: "
					"run down first, or describe it",
					stack_kind_name(o->kind), o->name);
		if (!json_object_equal(o->said, p->said))
			return vl_error(0, "%s %s is up, and described otherwise now: "
					"run down first",
					stack_kind_name(o->kind), o->name);
	}
	return 0;
}

/*
 * Is a recorded object as it should be?
 * Return: 1: yes; 0: it has to be made; < 0.
 */
static int look(struct stack *record, struct stack_object *o, const struct stack_env *env)
{
	uint64_t identity = 0;
	int ret = o->place ? env->ops[o->kind].find(record, o, &identity) : 0;

	if (ret <= 0)
		return ret;
	if (o->state == STACK_UP) {
		if (identity == o->identity)
			return 1;
		return vl_error(EEXIST, "another has taken its place since (%s)", o->place);
	}
	return unmake(record, o, false, env);
}

/* A new object gets a place, where nothing may be yet. */
static int settle(struct stack *record, struct stack_object *o, const struct stack_env *env)
{
	uint64_t identity;
	int ret;

	ret = o->place ? 0 : env->ops[o->kind].choose(record, o);
	if (!ret)
		ret = env->ops[o->kind].find(record, o, &identity);
	if (ret > 0)
		return vl_error(EEXIST, "it is there already (%s), and was not made by up",
				o->place);
	return ret;
}

static int make(struct stack *record, size_t i, const struct stack_env *env)
{
	struct stack_object *o = &record->objects[i];
	int ret;

	o->state = STACK_MAKING;
	ret = env->save(record);
	if (!ret)
		ret = env->ops[o->kind].make(record, o);
	if (ret)
		return ret;
	/* From here on it is there, whatever follows. */
	o->done = STACK_MADE;
	ret = env->ops[o->kind].find(record, o, &o->identity);
	if (!ret)
		return vl_error(ENOENT, "it was made, and has gone again");
	if (ret < 0)
		return ret;
	o->state = STACK_UP;
	return env->save(record);
}

/* Return: 0; or < 0, and the object is in the record only if it is there. */
static int bring_up(const struct stack_object *p, struct stack *record,
		    const struct stack_env *env)
{
	struct stack_object *o = stack_find(record, p->kind, p->name);
	bool known = o;
	size_t i;
	int ret;

	if (!known) {
		ret = stack_add(record, p->kind, p->name, p->said);
		if (ret)
			return ret;
		o = &record->objects[record->nr - 1];
	}
	i = o - record->objects;
	ret = known ? look(record, o, env) : settle(record, o, env);
	if (ret == 1) {
		o->done = STACK_UNCHANGED;
		env->tell(o, STACK_UNCHANGED, NULL);
		return 0;
	}
	if (ret && known)
		return ret;
	if (!ret)
		ret = make(record, i, env);
	if (ret && o->done != STACK_MADE)
		stack_drop(record, i);
	else if (!ret)
		env->tell(o, STACK_MADE, NULL);
	return ret;
}

/**
 * stack_up() - make what is described and not there
 * @plan: what is described
 * @record: what was made before; of what is up now on return
 * @env: how
 */
enum stack_status stack_up(const struct stack *plan, struct stack *record,
			   const struct stack_env *env)
{
	if (compare(plan, record)) {
		env->tell(NULL, STACK_NOTHING, vl_message());
		return STACK_FAILED;
	}
	strcpy(record->name, plan->name);
	for (size_t i = 0; i < plan->nr; i++) {
		int ret = env->stopped() ? vl_error(EINTR, "interrupted") :
			  bring_up(&plan->objects[i], record, env);

		if (ret) {
			env->tell(&plan->objects[i], STACK_NOTHING, vl_message());
			return undo(record, env);
		}
	}
	return STACK_OK;
}

/* Return: 0: it is no more; < 0. */
static int take_down(struct stack *record, struct stack_object *o, bool force,
		     const struct stack_env *env)
{
	uint64_t identity = 0;
	int ret = o->place ? env->ops[o->kind].find(record, o, &identity) : 0;

	if (ret < 0)
		return ret;
	if (!ret) {
		env->tell(o, STACK_GONE, NULL);
		return 0;
	}
	if (o->state == STACK_UP && identity != o->identity) {
		env->tell(o, STACK_GONE, "another has taken its place, and stays");
		return 0;
	}
	ret = unmake(record, o, force, env);
	if (!ret)
		env->tell(o, STACK_REMOVED, NULL);
	return ret;
}

/* A switch takes its ports along, a GPU its slices: not while one of them is to stay. */
static bool has_child(const struct stack *record, const struct stack_object *o)
{
	enum stack_kind child = o->kind == STACK_SWITCH ? STACK_PORT : STACK_SLICE;
	size_t len = strlen(o->name);

	if (o->kind != STACK_SWITCH && o->kind != STACK_GPU)
		return false;
	for (size_t i = 0; i < record->nr; i++)
		if (record->objects[i].kind == child &&
		    !strncmp(record->objects[i].name, o->name, len) &&
		    record->objects[i].name[len] == '/')
			return true;
	return false;
}

/**
 * stack_down() - remove what up has made
 * @record: what that is; what is left of it on return
 * @force: whoever uses it
 * @env: how
 *
 * What cannot be removed stays, and the rest goes.
 */
enum stack_status stack_down(struct stack *record, bool force, const struct stack_env *env)
{
	enum stack_status status = STACK_OK;

	for (size_t i = record->nr; i-- > 0;) {
		struct stack_object *o = &record->objects[i];
		int ret;

		if (env->stopped())
			ret = vl_error(EINTR, "interrupted");
		else if (has_child(record, o))
			ret = vl_error(EBUSY, "what belongs to it is still there");
		else
			ret = take_down(record, o, force, env);
		if (ret) {
			o->done = STACK_KEPT;
			env->tell(o, STACK_KEPT, vl_message());
			status = STACK_LEFT;
			continue;
		}
		stack_drop(record, i);
		if (env->save(record)) {
			env->tell(NULL, STACK_KEPT, vl_message());
			status = STACK_LEFT;
		}
	}
	return status;
}
