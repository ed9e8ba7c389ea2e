/* The lines that hutch's patch is for. */
		vas = uk_vas_get_active();
		if (unlikely(vas && !(vas->flags & UK_VAS_FLAG_NO_PAGING)))
			uk_pr_crit("Cannot handle %s page fault at 0x%"
				   __PRIvaddr" (ec: 0x%x): %s (%d).\n",
				   faultstr[faulttype &
					    UK_VMA_FAULT_ACCESSTYPE],
				   vaddr, ctx->error_code, strerror(-rc), -rc);

		return UK_EVENT_NOT_HANDLED;
	}
