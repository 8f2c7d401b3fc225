package policy

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestForTakesTheMostSpecificSetting(t *testing.T) {
	d := Document{
		Defaults: Policy{Method: Method{Timeout: Timeout{Call: 2 * time.Second, Try: 300 * time.Millisecond}, Retry: Retry{Disabled: True}}},
		Services: map[string]Service{"orders": {
			Policy: Policy{Method: Method{Timeout: Timeout{Call: 800 * time.Millisecond}}},
			Methods: map[string]Method{
				"Get": {Idempotent: True, Retry: Retry{Disabled: False, Max: 4}},
			},
		}},
	}
	tests := []struct {
		service, method string
		want            Method
	}{
		{"users", "Find", Method{Timeout: Timeout{Call: 2 * time.Second, Try: 300 * time.Millisecond}, Retry: Retry{Disabled: True}}},
		{"orders", "Put", Method{Timeout: Timeout{Call: 800 * time.Millisecond, Try: 300 * time.Millisecond}, Retry: Retry{Disabled: True}}},
		{"orders", "Get", Method{
			Idempotent: True,
			Timeout:    Timeout{Call: 800 * time.Millisecond, Try: 300 * time.Millisecond},
			Retry:      Retry{Disabled: False, Max: 4},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.service+"/"+tt.method, func(t *testing.T) {
			if got, want := d.For(tt.service, tt.method).Method, tt.want.WithDefaults(); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestForLeavesNothingAtZero(t *testing.T) {
	var zero []string
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		}
		if v.IsZero() && v.Type() != reflect.TypeFor[Bool]() {
			zero = append(zero, path)
		}
	}
	walk("", reflect.ValueOf(Document{}.For("any", "method")))
	if want := []string{".Method.Timeout.Try"}; !reflect.DeepEqual(zero, want) {
		t.Errorf("zero after defaults: %v, want only %v", zero, want)
	}
}

func TestValidateNamesFieldValueAndReason(t *testing.T) {
	tests := map[string]struct {
		defaults Policy
		want     string
	}{
		"negative duration":      {Policy{Method: Method{Timeout: Timeout{Call: -time.Second}}}, `defaults.timeout.call: "-1s": must not be negative`},
		"no unit in Go":          {Policy{Method: Method{Timeout: Timeout{Try: 250}}}, `defaults.timeout.try: "250ns": is below a millisecond`},
		"try above call":         {Policy{Method: Method{Timeout: Timeout{Try: 2 * time.Second}}}, `defaults.timeout.try: "2s": is above the whole call's, 1s`},
		"negative retries":       {Policy{Method: Method{Retry: Retry{Max: -1}}}, `defaults.retry.max: "-1": must be above 0`},
		"shrinking backoff":      {Policy{Method: Method{Retry: Retry{Backoff: Backoff{Factor: 0.5}}}}, `defaults.retry.backoff.factor: "0.5": must be at least 1`},
		"backoff upside down":    {Policy{Method: Method{Retry: Retry{Backoff: Backoff{Base: time.Second}}}}, `defaults.retry.backoff.max: "250ms": is below the base, 1s`},
		"percent":                {Policy{Method: Method{Breaker: Breaker{ErrorPercent: 101}}}, `defaults.breaker.errorPercent: "101": must be above 0 and at most 100`},
		"not a number":           {Policy{Budget: Budget{Percent: math.NaN()}}, `defaults.budget.percent: "NaN": must be above 0 and at most 100`},
		"infinite":               {Policy{Budget: Budget{Capacity: math.Inf(1)}}, `defaults.budget.capacity: "+Inf": must be above 0 and at most 100000`},
		"beyond counting":        {Policy{Budget: Budget{PerSecond: 1e300}}, `defaults.budget.perSecond: "1e+300": must be above 0 and at most 10000`},
		"ejection shrinks":       {Policy{Ejection: Ejection{MaxTime: time.Second}}, `defaults.ejection.maxTime: "1s": is below the time of the first ejection, 30s`},
		"negative cached values": {Policy{Method: Method{Fallback: Fallback{MaxEntries: -5}}}, `defaults.fallback.maxEntries: "-5": must be above 0`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Document{Defaults: tt.defaults}.Validate()
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var fault *Error
			if !errors.As(err, &fault) {
				t.Errorf("%T is not an *Error", err)
			}
		})
	}
}

func TestValidateReportsAllFaultsWithTheirService(t *testing.T) {
	err := Document{Services: map[string]Service{"orders": {
		Policy:  Policy{Method: Method{Breaker: Breaker{Sleep: -1}}},
		Methods: map[string]Method{"Get": {Retry: Retry{Max: -1}}},
	}}}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"services.orders.breaker.sleep", "services.orders.methods.Get.retry.max"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestValidateAcceptsTheDefaults(t *testing.T) {
	if err := (Document{Defaults: Policy{}.WithDefaults()}).Validate(); err != nil {
		t.Error(err)
	}
}
