// SPDX-License-Identifier: Apache-2.0
/* One libuv loop per process. Every handle of ours is its own allocation, begins with the uv
 * handle, has the loop as data, and is freed when uv has closed it. */
#include <uv.h> /* before base.h: it has a member named unused */

#include "common/loop/loop.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/list.h"

struct loop {
	uv_loop_t uv;
	uv_async_t *wake;   /* posts are waiting */
	uv_prepare_t *turn; /* counts turns */
	uint64_t turns;
	pthread_mutex_t mutex; /* guards posts: they come from any thread */
	struct list posts;
};

struct post {
	struct list node;
	loop_fn fn;
	void *arg;
};

struct work {
	uv_work_t uv;
	loop_fn work, done;
	void *arg;
};

struct sig {
	uv_signal_t uv;
	loop_fn fn;
	void *arg;
};

struct loop_watch {
	uv_poll_t uv;
	int events;
	loop_watch_fn fn;
	void *arg;
};

struct timer {
	uv_timer_t uv;
	loop_fn fn;
	void *arg;
};

static void closed(uv_handle_t *h)
{
	free(h);
}

static void close_handle(void *handle)
{
	uv_close(handle, closed);
}

static void run_posts(uv_async_t *h)
{
	struct loop *l = h->data;
	struct list now;
	struct list *node;

	list_init(&now);
	pthread_mutex_lock(&l->mutex);
	while ((node = list_pop(&l->posts)) != NULL)
		list_push(&now, node);
	pthread_mutex_unlock(&l->mutex);
	while ((node = list_pop(&now)) != NULL) {
		struct post *p = container_of(node, struct post, node);
		p->fn(p->arg);
		free(p);
	}
}

static void count_turn(uv_prepare_t *h)
{
	((struct loop *)h->data)->turns++;
}

struct loop *loop_new(void)
{
	struct loop *l = mem_alloc(sizeof(*l));

	bug_if(uv_loop_init(&l->uv) != 0);
	bug_if(pthread_mutex_init(&l->mutex, NULL) != 0);
	list_init(&l->posts);
	l->wake = mem_alloc(sizeof(*l->wake));
	bug_if(uv_async_init(&l->uv, l->wake, run_posts) != 0);
	l->turn = mem_alloc(sizeof(*l->turn));
	bug_if(uv_prepare_init(&l->uv, l->turn) != 0);
	l->wake->data = l->turn->data = l;
	bug_if(uv_prepare_start(l->turn, count_turn) != 0);
	return l;
}

/* Handles of common/http and common/db must be closed before; what is left of them is only closed.
 */
static void close_walked(uv_handle_t *h, void *arg)
{
	if (!uv_is_closing(h))
		uv_close(h, h->data == arg ? closed : NULL);
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	run_posts(l->wake);
	uv_walk(&l->uv, close_walked, l);
	while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
		;
	bug_if(uv_loop_close(&l->uv) != 0);
	list_each_safe (it, &l->posts)
		free(container_of(it, struct post, node));
	(void)pthread_mutex_destroy(&l->mutex);
	free(l);
}

void loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void loop_post(struct loop *l, loop_fn fn, void *arg)
{
	struct post *p = mem_alloc(sizeof(*p));

	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&l->mutex);
	list_push(&l->posts, &p->node);
	pthread_mutex_unlock(&l->mutex);
	bug_if(uv_async_send(l->wake) != 0);
}

static void on_work(uv_work_t *w)
{
	struct work *work = container_of(w, struct work, uv);

	work->work(work->arg);
}

static void on_worked(uv_work_t *w, unused int status)
{
	struct work *work = container_of(w, struct work, uv);

	work->done(work->arg);
	free(work);
}

void loop_work(struct loop *l, loop_fn work, loop_fn done, void *arg)
{
	struct work *w = mem_alloc(sizeof(*w));

	w->work = work;
	w->done = done;
	w->arg = arg;
	bug_if(uv_queue_work(&l->uv, &w->uv, on_work, on_worked) != 0);
}

static void on_signal(uv_signal_t *h, unused int signo)
{
	struct sig *s = container_of(h, struct sig, uv);

	s->fn(s->arg);
}

void loop_signal(struct loop *l, int signo, loop_fn fn, void *arg)
{
	struct sig *s = mem_alloc(sizeof(*s));

	bug_if(uv_signal_init(&l->uv, &s->uv) != 0);
	s->uv.data = l;
	s->fn = fn;
	s->arg = arg;
	bug_if(uv_signal_start(&s->uv, on_signal, signo) != 0);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct loop_watch *w = container_of(h, struct loop_watch, uv);
	int ready = 0;

	if (status < 0) {
		/* uv gives up the watch on an error; but data may stand before it: who reads and
		 * writes shall find both, and end the watch */
		loop_watch_set(w, w->events);
		ready = w->events;
	}
	if ((events & UV_READABLE) != 0)
		ready |= LOOP_READ;
	if ((events & UV_WRITABLE) != 0)
		ready |= LOOP_WRITE;
	w->fn(w->arg, ready);
}

struct loop_watch *loop_watch(struct loop *l, int fd, int events, loop_watch_fn fn, void *arg)
{
	struct loop_watch *w = mem_alloc(sizeof(*w));

	bug_if(uv_poll_init(&l->uv, &w->uv, fd) != 0);
	w->uv.data = l;
	w->fn = fn;
	w->arg = arg;
	loop_watch_set(w, events);
	return w;
}

void loop_watch_set(struct loop_watch *w, int events)
{
	int uv = ((events & LOOP_READ) != 0 ? UV_READABLE : 0) |
		 ((events & LOOP_WRITE) != 0 ? UV_WRITABLE : 0);

	w->events = events;
	if (uv == 0)
		(void)uv_poll_stop(&w->uv);
	else
		bug_if(uv_poll_start(&w->uv, uv, on_poll) != 0);
}

void loop_unwatch(struct loop_watch *w)
{
	if (w == NULL)
		return;
	(void)uv_poll_stop(&w->uv);
	close_handle(w);
}

static void on_timer(uv_timer_t *h)
{
	struct timer *t = container_of(h, struct timer, uv);

	t->fn(t->arg);
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
	struct timer *t = mem_alloc(sizeof(*t));

	bug_if(uv_timer_init(&l->uv, &t->uv) != 0);
	t->uv.data = l;
	t->fn = fn;
	t->arg = arg;
	return t;
}

void timer_set(struct timer *t, uint64_t ms, uint64_t repeat_ms)
{
	/* uv counts from the start of the turn: a long turn would make the timer fire early */
	uv_update_time(t->uv.loop);
	bug_if(uv_timer_start(&t->uv, on_timer, ms, repeat_ms) != 0);
}

void timer_stop(struct timer *t)
{
	(void)uv_timer_stop(&t->uv);
}

void timer_free(struct timer *t)
{
	if (t == NULL)
		return;
	(void)uv_timer_stop(&t->uv);
	close_handle(t);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
	return &l->uv;
}

uint64_t loop_turns(const struct loop *l)
{
	return l->turns;
}
