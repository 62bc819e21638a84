package schema

// IsKnown reports whether it is one of the reactions of a changed unit.
func (c OnChange) IsKnown() bool {
	return c == StopStart || c == Restart || c == Reload || c == Keep
}

// IsKnown reports whether it is one of the kinds of health checks.
func (k CheckKind) IsKnown() bool {
	return k == CheckUnit || k == CheckHTTP || k == CheckTCP || k == CheckCommand
}

// IsKnown reports whether it is one of the places.
func (p Place) IsKnown() bool { return p == OnHost || p == OnController }

// IsKnown reports whether it is one of the moments of hooks.
func (m HookMoment) IsKnown() bool {
	return m == BeforeActivation || m == AfterActivation || m == BeforeReboot || m == AfterReboot
}

// IsKnown reports whether it is one of the reactions to a failure.
func (f OnFailure) IsKnown() bool {
	return f == Halt || f == RollbackHost || f == RollbackWave || f == RollbackAll
}

// IsKnown reports whether it is one of the ways to treat an unreachable host.
func (o Offline) IsKnown() bool { return o == OfflineFail || o == OfflineHold }

// IsKnown reports whether it is one of the reasons.
func (r Reason) IsKnown() bool {
	switch r {
	case ReasonLocked, ReasonOffline, ReasonOvertaken, ReasonRolloutHalted, ReasonRollbackPending, ReasonNotManaged, ReasonSameGeneration,
		ReasonRebootFailed, ReasonOperatorStopped, ReasonGateClosed, ReasonBudgetSpent, ReasonHostMissing, ReasonJournal:
		return true
	}
	return false
}

// IsKnown reports whether it is one of the operations.
func (o Operation) IsKnown() bool {
	return o == OperationRollback || o == OperationRelease || o == OperationReboot || o == OperationTask || o == OperationCommand
}

// IsKnown reports whether it is one of the stages.
func (s Stage) IsKnown() bool { return s.Order() >= 0 }
