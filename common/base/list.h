// SPDX-License-Identifier: Apache-2.0
/* Intrusive doubly linked list: the node lives in the object, the head is a node. */
#pragma once

#include "common/base/base.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_push(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Safe on a node that was removed or initialised. */
static inline void list_remove(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

/* The first node, taken off; NULL when empty. */
static inline struct list *list_pop(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node); /* NOLINT(clang-analyzer-unix.Malloc): loses sight of the unlinking */
	return node;
}

/* NOLINTBEGIN(bugprone-macro-parentheses): it is a name, not a value */
#define list_each(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
#define list_each_safe(it, head)                                                                   \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
		it = it##_next, it##_next = it->next)
/* NOLINTEND(bugprone-macro-parentheses) */
