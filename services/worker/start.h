// SPDX-License-Identifier: Apache-2.0
/* What main.c names. */
#pragma once

#include "common/service/service.h"

int worker_start(struct service *s, struct fault *reterr);
void worker_stop(struct service *s);
/* All three services it needs answer. */
bool worker_ready(struct service *s);
