/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/list.h - Iteration over the tail queues of <sys/queue.h>. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <sys/queue.h>

#define list_for_each(var, head, field) TAILQ_FOREACH(var, head, field)

/*
 * Like list_for_each(), but the body may remove `var`.  `next` is a second
 * variable of the same type.
 */
#define list_for_each_safe(var, head, field, next) \
	for ((var) = TAILQ_FIRST(head);            \
	     (var) && ((next) = TAILQ_NEXT(var, field), 1); (var) = (next))

#endif
