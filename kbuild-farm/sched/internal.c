/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/internal.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>

void sched_add_action(struct sched *s, const struct sched_action *a)
{
	s->actions = vec_reserve(s->actions, &s->cap_actions, s->n_actions,
				 sizeof(*s->actions));
	s->actions[s->n_actions] = *a;
	if (a->text)
		s->actions[s->n_actions].text = xstrdup(a->text);
	s->n_actions++;
}

void sched_abort_impossible(const char *what, const char *state,
			    uint32_t number)
{
	fprintf(stderr,
		"BUG: sched: unexpected event \"%s\" for %u in state \"%s\"\n",
		what, number, state);
	abort();
}
