// SPDX-License-Identifier: GPL-2.0
/*
 * From a description in JSON to the objects, in the order in which they are made. What
 * can be wrong with a description as such is found here, before anything is made.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "stack.h"

static const char *const kinds[STACK_NR_KINDS] = {
	"switch", "port", "disk", "gpu", "slice", "guest",
};

/**
 * stack_kind_name() - what people call a kind
 * @kind: kind
 */
const char *stack_kind_name(enum stack_kind kind)
{
	return kind < STACK_NR_KINDS ? kinds[kind] : "object";
}

/**
 * stack_name_ok() - can this be a name?
 * @name: letters, digits, ".", "_", "-", and not "." in front: it becomes a file's
 */
bool stack_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > STACK_NAME_MAX || *name == '.' || *name == '-')
		return false;
	while (isalnum((unsigned char)*name) || (*name && strchr("._-", *name)))
		name++;
	return !*name;
}

/**
 * stack_text() - a value as text
 * @o: object
 * @key: of the value
 *
 * Return: the text, or NULL if there is no such value.
 */
const char *stack_text(json_object *o, const char *key)
{
	json_object *v = json_object_object_get(o, key);

	return v ? json_object_get_string(v) : NULL;
}

/**
 * stack_find() - an object by name
 * @s: where
 * @kind: its kind
 * @name: its name
 */
struct stack_object *stack_find(const struct stack *s, enum stack_kind kind, const char *name)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->objects[i].kind == kind && !strcmp(s->objects[i].name, name))
			return &s->objects[i];
	return NULL;
}

/**
 * stack_add() - put an object at the end
 * @s: where
 * @kind: its kind
 * @name: its name, copied
 * @said: its description; one more reference is taken
 *
 * Pointers to other objects of @s are void afterwards.
 */
int stack_add(struct stack *s, enum stack_kind kind, const char *name, json_object *said)
{
	struct stack_object *more = reallocarray(s->objects, s->nr + 1, sizeof(*more));
	char *copy = strdup(name);

	if (more)
		s->objects = more;
	if (!more || !copy) {
		free(copy);
		return vl_error(ENOMEM, "%s %s", stack_kind_name(kind), name);
	}
	s->objects[s->nr++] = (struct stack_object){
		.kind = kind, .name = copy, .said = json_object_get(said),
	};
	return 0;
}

/**
 * stack_drop() - forget an object
 * @s: where
 * @i: which
 */
void stack_drop(struct stack *s, size_t i)
{
	free(s->objects[i].name);
	free(s->objects[i].place);
	json_object_put(s->objects[i].said);
	s->nr--;
	memmove(&s->objects[i], &s->objects[i + 1], (s->nr - i) * sizeof(*s->objects));
}

/**
 * stack_free() - forget all
 * @s: set; may be used again
 */
void stack_free(struct stack *s)
{
	while (s->nr)
		stack_drop(s, s->nr - 1);
	free(s->objects);
	s->objects = NULL;
}

/* ------------------------------------------------------ one object's rules */

/* A list of the object's own, which is no option. */
static bool is_list(enum stack_kind kind, const char *key)
{
	switch (kind) {
	case STACK_SWITCH:
		return !strcmp(key, "ports");
	case STACK_GPU:
		return !strcmp(key, "slices");
	case STACK_GUEST:
		return !strcmp(key, "disks") || !strcmp(key, "nics");
	default:
		return false;
	}
}

static bool is_scalar(json_object *v)
{
	return json_object_is_type(v, json_type_string) ||
	       json_object_is_type(v, json_type_int) ||
	       json_object_is_type(v, json_type_boolean);
}

static int check_values(const char *what, json_object *o, enum stack_kind kind)
{
	json_object_object_foreach(o, key, v) {
		if (is_list(kind, key)) {
			if (!json_object_is_type(v, json_type_array))
				return vl_error(0, "%s: \"%s\" is a list, in []", what, key);
		} else if (!is_scalar(v)) {
			return vl_error(0, "%s: \"%s\" is a text, a whole number, true or false",
					what, key);
		}
	}
	return 0;
}

static int need(const char *what, json_object *o, const char *key)
{
	const char *text = stack_text(o, key);

	return text && *text ? 0 : vl_error(0, "%s: \"%s\" is missing", what, key);
}

/* The description of @o without the list of what becomes objects of their own. */
static json_object *without(json_object *o, const char *list)
{
	json_object *copy = json_object_new_object();

	json_object_object_foreach(o, key, v) {
		if (!list || strcmp(key, list))
			json_object_object_add(copy, key, json_object_get(v));
	}
	return copy;
}

/*
 * Reads the object's name and adds it to the plan. @parent: of the switch or GPU, or NULL.
 * @full: set to its name in the plan, to be freed by the caller.
 */
static int add_object(struct stack *plan, enum stack_kind kind, const char *parent,
		      json_object *o, size_t i, char **full)
{
	const char *list = kind == STACK_SWITCH ? "ports" : kind == STACK_GPU ? "slices" : NULL;
	char name[2 * STACK_NAME_MAX + 2], what[2 * STACK_NAME_MAX + 16];
	const char *own;
	json_object *said;
	int ret;

	snprintf(what, sizeof(what), "%s %zu%s%s", stack_kind_name(kind), i + 1,
		 parent ? " of " : "", parent ? parent : "");
	if (!json_object_is_type(o, json_type_object))
		return vl_error(0, "%s: an object, in {}", what);
	ret = need(what, o, "name");
	if (ret)
		return ret;
	own = stack_text(o, "name");
	if (!stack_name_ok(own))
		return vl_error(0, "%s: \"%s\": up to %d letters, digits, \".\", \"_\", \"-\"",
				what, own, STACK_NAME_MAX);
	snprintf(name, sizeof(name), "%s%s%s", parent ? parent : "", parent ? "/" : "", own);
	snprintf(what, sizeof(what), "%s %s", stack_kind_name(kind), name);
	if (stack_find(plan, kind, name))
		return vl_error(0, "%s: there are two of that name", what);
	ret = check_values(what, o, kind);
	if (!ret && kind == STACK_PORT)
		ret = need(what, o, "kind");
	if (!ret && kind == STACK_SLICE)
		ret = need(what, o, "type");
	if (!ret && kind == STACK_GUEST)
		ret = need(what, o, "kernel");
	if (ret)
		return ret;
	said = without(o, list);
	ret = stack_add(plan, kind, name, said);
	json_object_put(said);
	*full = ret ? NULL : strdup(name);
	return ret;
}

static int add_list(struct stack *plan, json_object *root, const char *key, enum stack_kind kind,
		    const char *parent)
{
	json_object *list = json_object_object_get(root, key);
	size_t n;
	int ret = 0;

	if (!list)
		return 0;
	if (!json_object_is_type(list, json_type_array))
		return vl_error(0, "\"%s\" is a list, in []", key);
	n = json_object_array_length(list);
	for (size_t i = 0; !ret && i < n; i++) {
		json_object *o = json_object_array_get_idx(list, i);
		char *name = NULL;

		ret = add_object(plan, kind, parent, o, i, &name);
		if (!ret && kind == STACK_SWITCH)
			ret = add_list(plan, o, "ports", STACK_PORT, name);
		if (!ret && kind == STACK_GPU)
			ret = add_list(plan, o, "slices", STACK_SLICE, name);
		free(name);
	}
	return ret;
}

/* A guest's disk is one of the plan's, or a path; ",ro" may follow. */
static int check_guest_disk(const struct stack *plan, const struct stack_object *guest,
			    json_object *v)
{
	char name[STACK_NAME_MAX + 4];
	const char *text = json_object_get_string(v);
	size_t len;

	if (!json_object_is_type(v, json_type_string))
		return vl_error(0, "guest %s: \"disks\": names of disks, or paths", guest->name);
	if (strchr(text, '/'))
		return 0;
	len = strcspn(text, ",");
	if (len < sizeof(name)) {
		memcpy(name, text, len);
		name[len] = '\0';
		if (stack_find(plan, STACK_DISK, name))
			return 0;
	}
	return vl_error(0, "guest %s: disk \"%s\" is neither described here nor a path with \"/\"",
			guest->name, text);
}

static int check_guest_nic(const struct stack_object *guest, json_object *v)
{
	char what[STACK_NAME_MAX + 32];

	snprintf(what, sizeof(what), "guest %s: a nic", guest->name);
	if (!json_object_is_type(v, json_type_object))
		return vl_error(0, "%s: an object, in {}", what);
	return check_values(what, v, STACK_NR_KINDS) ?: need(what, v, "switch");
}

static int check_guest(const struct stack *plan, const struct stack_object *guest)
{
	json_object *disks = json_object_object_get(guest->said, "disks");
	json_object *nics = json_object_object_get(guest->said, "nics");
	size_t n = disks ? json_object_array_length(disks) : 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++)
		ret = check_guest_disk(plan, guest, json_object_array_get_idx(disks, i));
	n = nics ? json_object_array_length(nics) : 0;
	for (size_t i = 0; !ret && i < n; i++)
		ret = check_guest_nic(guest, json_object_array_get_idx(nics, i));
	return ret;
}

static int check_root(json_object *root)
{
	static const char *const known[] = {
		"name", "comment", "switches", "disks", "gpus", "guests", NULL,
	};

	if (!json_object_is_type(root, json_type_object))
		return vl_error(0, "it holds no JSON object, in {}");
	json_object_object_foreach(root, key, v) {
		int i = 0;

		(void)v;
		while (known[i] && strcmp(known[i], key))
			i++;
		if (!known[i])
			return vl_error(0, "\"%s\" is none of name, comment, "
					"switches, disks, gpus, guests",
					key);
	}
	return 0;
}

/**
 * stack_parse() - make a plan of a description
 * @root: the description
 * @name: the plan's, if the description has none
 * @plan: filled in; to be freed with stack_free() in any case
 */
int stack_parse(json_object *root, const char *name, struct stack *plan)
{
	int ret = check_root(root);

	*plan = (struct stack){};
	if (ret)
		return ret;
	name = stack_text(root, "name") ?: name;
	if (!stack_name_ok(name))
		return vl_error(0, "\"%s\": a name is up to %d letters, digits, \".\", "
				"\"_\", \"-\": say another with \"name\"",
				name, STACK_NAME_MAX);
	strcpy(plan->name, name);
	ret = add_list(plan, root, "switches", STACK_SWITCH, NULL);
	if (!ret)
		ret = add_list(plan, root, "disks", STACK_DISK, NULL);
	if (!ret)
		ret = add_list(plan, root, "gpus", STACK_GPU, NULL);
	if (!ret)
		ret = add_list(plan, root, "guests", STACK_GUEST, NULL);
	for (size_t i = 0; !ret && i < plan->nr; i++)
		if (plan->objects[i].kind == STACK_GUEST)
			ret = check_guest(plan, &plan->objects[i]);
	return ret;
}
