/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/pins.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

void agent_pins_init(struct agent_pins *p, int version, struct node_cpus *cpus,
		     unsigned n)
{
	*p = (struct agent_pins){ .cpus = cpus, .n = n };
	if (version >= WIRE_WITH_PIN)
		p->pin = xcalloc(n + 1, sizeof(*p->pin));
}

void agent_pins_release(struct agent_pins *p)
{
	free(p->cpus);
	free(p->pin);
	*p = (struct agent_pins){ 0 };
}

int agent_pins_take(struct agent_pins *p, struct bytes body, struct err *err)
{
	if (!p->pin)
		return err_set(err, EPROTO, "a PIN, which its version has not");
	if (p->is_set)
		return err_set(err, EPROTO, "a PIN without its job");
	if (wire_pin_decode(&p->next, body))
		return err_set(err, EPROTO, "a PIN that was not understood");
	p->is_set = true;
	return 0;
}

int agent_pins_job(struct agent_pins *p, uint32_t job, struct agent_pin **pin,
		   struct err *err)
{
	unsigned class = p->next.class;
	struct node_cpus usable;

	*pin = NULL;
	if (!p->is_set)
		return 0;
	p->is_set = false;
	if (p->next.job != job)
		return err_set(err, EPROTO, "a PIN of job %u before job %u",
			       p->next.job, job);
	if (class >= p->n)
		return err_set(err, ENOENT, "no class %u of cores here: %u are",
			       class, p->n);
	/* Never beyond our own: what a job may use is not its client's say. */
	node_cpus_usable(&usable, "");
	node_cpus_intersect(&usable, &p->cpus[class]);
	if (!node_cpus_count(&usable))
		return err_set(err, EPERM, "kfarmd may use no core of class %u",
			       class);
	*pin = &p->pin[class];
	(*pin)->cpus = usable;
	(*pin)->share.most = node_cpus_count(&usable);
	return 0;
}

void agent_pins_heat(const struct agent_pins *p, const struct node_health *h,
		     struct buf *body)
{
	struct wire_heat m;

	node_health_heat(h, &m, p->cpus, p->n, "");
	wire_heat_encode(body, &m);
	wire_heat_release(&m);
}
