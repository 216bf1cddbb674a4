// SPDX-License-Identifier: Apache-2.0
/* Answers that take the time a device takes. */
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/simulator/settings.h"

enum { TICK_MS = 10 };

struct pending {
	struct device *device;
	struct http_request *request;
	struct timer *timer;
	unsigned status;
	const char *text; /* page; NULL = export, or body */
	const char *type; /* of body */
	struct buf body;
	char session[17];
	uint32_t items;
	const char *setting; /* instead of items; lives for ever */
	bool secrets;
	char *password;
};

/* With the device's jitter, up to the next tick of the whole fleet. */
static uint64_t delay_of(struct device *d, uint32_t ms)
{
	uint32_t spread = ms * d->latency.jitter / 100;
	uint64_t now = clock_mono_ms();
	uint64_t due = now + ms - spread / 2 + (spread ? rng_below(&d->jitter, spread + 1) : 0);

	return ms == 0 ? 0 : (due + TICK_MS - 1) / TICK_MS * TICK_MS - now;
}

static enum item first_item(uint32_t items)
{
	return (enum item)__builtin_ctz(items);
}

static void write_export(struct pending *p)
{
	struct device *d = p->device;
	struct buf body = BUF_INIT;
	const char *type = p->password ? "application/octet-stream" : "text/plain";
	bool hostile = hostile_now(d, AT_EXPORT);

	if (p->setting)
		setting_export(d, p->setting, p->password, &body);
	else if (p->password)
		dsv_export(d, p->items, p->password, &body);
	else
		book_text(d, first_item(p->items), p->secrets, &body);
	truth_add(d->sim->truth,
		&(struct truth_entry){.device = d,
			.session = p->session,
			.what = "export_end",
			.item = p->setting ? p->setting : item_name(first_item(p->items)),
			.result = hostile ? hostile_name(d->fault.mp) : "ok",
			.bytes = body.n});
	if (hostile)
		hostile_export(d, p->request, type, buf_span(&body));
	else
		http_respond(p->request, 200, type, buf_span(&body));
	buf_fini(&body);
	op_export_end(d);
}

static void fire(void *arg)
{
	struct pending *p = arg;

	if (p->device->off) {
		if (!p->text && !p->type)
			op_export_end(p->device);
		answer_reset(p->request);
	} else if (p->text) {
		http_respond(p->request, p->status, "text/html; charset=UTF-8",
			(struct span){.p = (const uint8_t *)p->text, .n = strlen(p->text)});
	} else if (p->type) {
		http_respond(p->request, p->status, p->type, buf_span(&p->body));
	} else {
		write_export(p);
	}
	buf_fini(&p->body);
	if (p->timer)
		timer_free(p->timer);
	free(p->password);
	free(p);
}

static void schedule(struct pending *p, uint32_t ms)
{
	uint64_t delay = delay_of(p->device, ms);

	if (delay == 0) {
		fire(p);
		return;
	}
	p->timer = timer_new(p->device->sim->loop, fire, p);
	timer_set(p->timer, delay, 0);
}

void answer_page(
	struct device *d, struct http_request *r, uint32_t ms, unsigned status, const char *text)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->device = d;
	p->request = r;
	p->status = status;
	p->text = text;
	schedule(p, ms);
}

void answer_bytes(struct device *d, struct http_request *r, uint32_t ms, unsigned status,
	const char *type, struct buf *body)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->device = d;
	p->request = r;
	p->status = status;
	p->type = type;
	p->body = *body;
	*body = BUF_INIT;
	schedule(p, ms);
}

void answer_export(struct device *d, struct http_request *r, const char *session, uint32_t items,
	bool secrets, const char *password)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->device = d;
	p->request = r;
	p->items = items;
	p->secrets = secrets;
	memcpy(p->session, session, sizeof(p->session));
	p->password = password ? mem_strdup(password) : NULL;
	op_export_begin(d);
	schedule(p, d->latency.export);
}

void answer_setting(struct device *d, struct http_request *r, const char *session, const char *id,
	const char *password)
{
	struct pending *p = mem_alloc(sizeof(*p));

	p->device = d;
	p->request = r;
	p->setting = id;
	memcpy(p->session, session, sizeof(p->session));
	p->password = mem_strdup(password);
	op_export_begin(d);
	schedule(p, d->latency.export);
}

void answer_reset(struct http_request *r)
{
	struct http_stream *s = http_respond_stream(r, 200, "text/plain", NULL, NULL, NULL);

	http_stream_abort(s);
}
