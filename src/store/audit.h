// audit.h - the audit rows' chain: each row's hash covers its content and the row before.
// Only src/store includes this.
#pragma once

#include "store/db.h"
#include "store/store.h"

MUST_USE bool audit_write(struct db *d, const struct clock *clock, const struct store_audit *row, struct err *e);
