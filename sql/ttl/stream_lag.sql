toDateTime(measured_at) + toIntervalDay(30)
